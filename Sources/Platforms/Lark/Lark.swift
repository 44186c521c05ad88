package import Rules

/// What to send to Lark or Feishu (platforms, 2 and 3). Pure: builds requests, sends nothing.
///
/// One protocol on two clouds: everything but the hosts and the words for people is the same.
package struct Lark: Sendable {
    /// Which of the two clouds; an app of one is unknown to the other (platforms, 0.3).
    package enum Brand: String, Sendable, CaseIterable {
        case lark
        case feishu

        /// For people.
        package var title: String { self == .lark ? "Lark" : "Feishu" }
        /// The other one.
        package var other: Brand { self == .lark ? .feishu : .lark }
        /// The platform's name everywhere else.
        package var platform: Platform { self == .lark ? .lark : .feishu }
    }

    package let brand: Brand
    /// Such as `https://open.larksuite.com/open-apis`.
    let open: String
    /// Such as `https://accounts.larksuite.com/open-apis`: the browser's pages.
    let accounts: String
    let generation: PlatformURLs.LarkGeneration

    /// Requests to this brand's base URLs; its own unless the operator set others.
    package init(_ brand: Brand, _ urls: PlatformURLs = PlatformURLs()) {
        self.brand = brand
        open = urls[brand == .lark ? .larkOpen : .feishuOpen]
        accounts = urls[brand == .lark ? .larkAccounts : .feishuAccounts]
        generation = urls.generation(of: brand.platform)
    }

    /// A JSON call. `name` is the path with dots, as logs and metrics know it.
    func call(
        _ name: String, _ method: String, _ path: String, token: String? = nil, _ fields: [String: JSONValue]? = nil,
        repeatable: Bool = true
    ) -> PlatformRequest {
        var headers = [HeaderField("Accept", "application/json")]
        if fields != nil { headers.append(HeaderField("Content-Type", "application/json; charset=utf-8")) }
        if let token { headers.append(HeaderField("Authorization", "Bearer \(token)")) }
        return PlatformRequest(
            name: name, method: method, url: "\(open)/\(path)", headers: headers,
            body: fields.map { JSONValue.object($0).bytes } ?? [], repeatable: repeatable)
    }
}
