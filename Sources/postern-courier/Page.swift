import Errands
import Rules

/// One page for a person: a heading, a sentence, at most one link. No script, no secret, nothing of the query.
struct Page {
    enum Tone: String { case good, calm, bad }

    let status: Int
    let tone: Tone
    let heading: String
    let text: String
    var link: String?
    var reference: String?

    /// The page the keeper asked for, in the words of the platform the person comes from; nil says "the platform".
    init(_ page: CallbackPage, at platform: Platform? = nil) {
        let name = platform.map(Self.brand) ?? "the platform"
        let again = "open the link you were given again"
        switch page.kind {
        case .success: self = Self.success(page, platform, name)
        case .deniedByUser:
            self.init(
                200, .calm, page.purpose == .login ? "Not signed in" : "Not connected",
                "You declined the request at \(name), so nothing was changed. If you want it after all, \(again).")
        case .expiredLink:
            self.init(
                410, .calm, "This link has expired",
                "It was used already, or is older than ten minutes. Ask for a new link and open it in this browser.")
        case .wrongBrowser:
            self.init(
                403, .bad, "Please use the browser you began with",
                "This request was begun in another browser, so nothing was changed. Open the link you were given again, and finish in the same browser."
            )
        case .wrongAccount:
            self.init(
                403, .bad, "Please use another account",
                "The account you used at \(name) belongs to another \(platform.map(Self.noun) ?? "workspace") than this connection is for, so nothing was changed. Sign in with the right account, then \(again)."
            )
        case .wrongApp:
            self.init(
                400, .bad, "This link belongs to another app",
                "The app you approved at \(name) is not the one this link is for, so nothing was stored. Tell your administrator to check the app's credentials."
            )
        case .platformDown:
            self.init(
                502, .bad, "\(platform.map(Self.brand) ?? "The platform") does not answer",
                "The request could not be finished. Wait a few minutes, then \(again).")
        case .failed:
            self.init(
                400, .bad, "That did not work",
                "The request could not be finished at \(name). Open the link you were given again; if that does not help, tell your administrator."
            )
        case .rateLimited: self.init(429, .calm, "Too many attempts", "Please wait a minute, then \(again).")
        }
        link = page.returnTo.flatMap { Self.isSafe($0) ? $0 : nil }
        reference = page.reference
    }

    private static func success(_ page: CallbackPage, _ platform: Platform?, _ name: String) -> Page {
        let who = page.workspaceName.flatMap { $0.isEmpty ? nil : $0 }
        let close = "You can close this window."
        switch page.purpose {
        case .login:
            return Page(200, .good, "You are signed in", "\(Self.capital(name)) has confirmed who you are. \(close)")
        case .link:
            return Page(200, .good, "You are linked", "Your account at \(name) is linked now. \(close)")
        case .install, nil:
            let place = platform.map { "The \(brand($0)) \(noun($0)) " } ?? ""
            let done =
                who.map { "\(place)\($0) is connected." } ?? "You are connected\(platform == nil ? "" : " to \(name)")."
            return Page(200, .good, "All done", "\(done) \(close)")
        }
    }

    private static func brand(_ platform: Platform) -> String {
        switch platform {
        case .slack: "Slack"
        case .lark: "Lark"
        case .feishu: "Feishu"
        case .genesys: "Genesys Cloud"
        }
    }

    /// What its customers call the place an app is installed in.
    private static func noun(_ platform: Platform) -> String { platform == .slack ? "workspace" : "organisation" }

    private static func capital(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

    /// An address that is no page of ours.
    static let notFound = Page(404, .calm, "There is nothing here", "Please check the link you were given.")
    static let wrongMethod = Page(
        405, .calm, "This address is for browsers", "Please open the link you were given in a browser.")
    /// The keeper did not answer.
    static let unavailable = Page(
        503, .bad, "Not available at the moment", "Please wait a minute, then open the link you were given again.")

    /// What the server refuses by itself: too long, too slow, too many.
    init(refused problem: Problem) {
        self.init(problem.code.status, .calm, "That did not work", "Please open the link you were given again.")
    }

    private init(_ status: Int, _ tone: Tone, _ heading: String, _ text: String) {
        self.status = status
        self.tone = tone
        self.heading = heading
        self.text = text
    }

    /// https, or http to this machine; nothing that runs (`javascript:`), nothing without a host.
    static func isSafe(_ url: String) -> Bool {
        guard url.utf8.count <= 2048, url.utf8.allSatisfy({ (0x21...0x7e).contains($0) }) else { return false }
        for start in ["http://localhost", "http://127.0.0.1", "http://[::1]"] where url.hasPrefix(start) {
            let next = url.dropFirst(start.count).first
            return next == nil || next == "/" || next == ":" || next == "?"
        }
        return url.hasPrefix("https://") && url.count > "https://".count
    }

    /// The page as UTF-8.
    var html: [UInt8] {
        let title = Self.escaped(heading)
        var parts = """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <meta name="robots" content="noindex">
            <title>\(title)</title>
            <style>\(PageStyle.sheet)</style>
            </head>
            <body class="\(tone.rawValue)">
            <main>
            \(PageStyle.mark(tone))
            <h1>\(title)</h1>
            <p role="status">\(Self.escaped(text))</p>

            """
        if let link {
            parts +=
                "<p><a href=\"\(Self.escaped(link))\" rel=\"noreferrer\">\(tone == .good ? "Continue" : "Go back")</a></p>\n"
        }
        if let reference { parts += "<p class=\"small\">Reference: <code>\(Self.escaped(reference))</code></p>\n" }
        parts += "</main>\n</body>\n</html>\n"
        return Array(parts.utf8)
    }

    /// Text for an element or a quoted attribute. Directional controls go too: a workspace name must not turn the
    /// sentence around it.
    static func escaped(_ text: String) -> String {
        var safe = ""
        for scalar in text.unicodeScalars.prefix(2048) {
            switch scalar {
            case "&": safe += "&amp;"
            case "<": safe += "&lt;"
            case ">": safe += "&gt;"
            case "\"": safe += "&quot;"
            case "'": safe += "&#39;"
            case "\u{0}"..."\u{1f}", "\u{7f}"..."\u{9f}", "\u{200e}", "\u{200f}", "\u{202a}"..."\u{202e}",
                "\u{2066}"..."\u{2069}":
                safe += " "
            default: safe.unicodeScalars.append(scalar)
            }
        }
        return safe
    }
}
