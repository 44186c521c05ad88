import HTTPClient
import Testing

@Suite struct `An address` {
    @Test(arguments: ["http://example.org/", "ftp://127.0.0.1/", "http://127.1/x y", "", "http://u:p@127.0.0.1/"])
    func `that this client must not go to is refused before anything is sent`(_ url: String) {
        #expect(throws: HTTPClient.Failure.self) { try HTTPClient().perform(HTTPClient.Request("GET", url)) }
    }
}
