package import Rules

/// What a browser asked at the callback listener, passed on to the keeper, who alone can judge it.
package struct CallbackRequest: Sendable, Equatable {
    /// Which of the two addresses was opened.
    package enum Kind: String, Sendable, Codable {
        /// `GET /thirdparty/{platform}/{app_id}/oauth2/start?state=…`, before the platform.
        case start
        /// `GET /thirdparty/{platform}/{app_id}/oauth2/callback?code=…&state=…`, after it.
        case callback
    }

    package var kind: Kind
    /// Path segments as sent, percent-decoded; not yet known to name an app.
    package var platform: String
    package var appID: String
    /// Query fields, percent-decoded; nil when absent. Secrets: the code and the state never reach a log.
    package var code: String?
    package var state: String?
    /// The platform's error word, `access_denied` when the user refused (RFC 6749, section 4.1.2.1).
    package var error: String?
    /// The browser's cookies whose names begin with `CallbackCookie.prefix`; at most 16.
    package var cookies: [String: String]
    /// Who asked, as text: the address of the TCP peer, or what the TLS proxy in front of a Unix socket said.
    package var address: String

    /// Every field as given.
    package init(
        kind: Kind, platform: String, appID: String, code: String? = nil, state: String? = nil, error: String? = nil,
        cookies: [String: String] = [:], address: String = ""
    ) {
        self.kind = kind
        self.platform = platform
        self.appID = appID
        self.code = code
        self.state = state
        self.error = error
        self.cookies = cookies
        self.address = address
    }
}

/// The cookie that ties a flow to one browser (RFC 9700, section 4.7). Chosen by the keeper; the courier only sets it,
/// with `Secure; HttpOnly; SameSite=Lax`.
package struct CallbackCookie: Sendable, Equatable {
    /// Only cookies with names like this are passed to the keeper. `__Secure-` makes browsers refuse it over plain
    /// http to anything but loopback.
    package static let prefix = "__Secure-postern-"

    /// Begins with `prefix`; letters, digits, `-` and `_`.
    package var name: String
    /// Letters, digits, `-` and `_` (base64url of 256 random bits).
    package var value: String
    /// Seconds the browser keeps it; 0 removes it.
    package var maxAgeSeconds: Int

    /// A cookie that ends after so many seconds, unless the browser ends first.
    package init(name: String, value: String, maxAgeSeconds: Int = 600) {
        self.name = name
        self.value = value
        self.maxAgeSeconds = maxAgeSeconds
    }
}

/// What the person in front of the browser gets.
package struct CallbackPage: Sendable, Equatable {
    /// Which page; the words stand in postern-courier.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        case success
        case deniedByUser = "denied_by_user"
        case expiredLink = "expired_link"
        /// Another browser than the one that began.
        case wrongBrowser = "wrong_browser"
        /// An account or workspace the app is not connected for.
        case wrongAccount = "wrong_account"
        /// The credentials stored for the app are another app's.
        case wrongApp = "wrong_app"
        case platformDown = "platform_down"
        case failed
        case rateLimited = "rate_limited"
    }

    package var kind: Kind
    /// What the flow was for; nil where that is not known.
    package var purpose: Purpose?
    /// The workspace that was connected, as the platform calls it; shown escaped.
    package var workspaceName: String?
    /// Where "Continue" leads; shown only when it is https, or http to loopback.
    package var returnTo: String?
    /// The request id, so that the admin can be told which attempt it was; not a secret.
    package var reference: String?

    /// What the courier makes a page of; `reference` is the request id to ask the administrator about.
    package init(
        _ kind: Kind, purpose: Purpose? = nil, workspaceName: String? = nil, returnTo: String? = nil,
        reference: String? = nil
    ) {
        self.kind = kind
        self.purpose = purpose
        self.workspaceName = workspaceName
        self.returnTo = returnTo
        self.reference = reference
    }
}

/// The keeper's answer to a browser.
package enum CallbackAnswer: Sendable, Equatable {
    /// 303 to an absolute URL: the platform's authorization page, or `return_to`.
    case redirect(to: String, setCookie: CallbackCookie?)
    case page(CallbackPage, setCookie: CallbackCookie? = nil)
}
