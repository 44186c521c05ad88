import HTTPClient
import Testing

/// As much of a browser as an authorization needs: it keeps cookies and follows one redirect when told to.
final class Browser {
    private let client = HTTPClient()
    private var cookies: [String: String] = [:]

    struct Page {
        let status: Int
        let location: String?
        let text: String
    }

    func get(_ url: String) throws -> Page {
        let sent = cookies.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        let answer = try client.perform(
            HTTPClient.Request("GET", url, headers: sent.isEmpty ? [] : [.init("Cookie", sent)]))
        for header in answer.headers where header.name.lowercased() == "set-cookie" {
            let pair = header.value.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
            if pair.count == 2 { cookies[String(pair[0])] = String(pair[1]) }
        }
        return Page(
            status: answer.status, location: answer.header("location"),
            text: String(decoding: answer.body, as: UTF8.self))
    }

    /// From our start link over the platform's consent page; returns the callback's URL, not yet opened.
    func consent(_ start: String, answer: String = "") throws -> String {
        let platform = try #require(try get(start).location, "no redirect to the platform")
        return try #require(try get(platform + answer).location, "no redirect back from the platform")
    }
}
