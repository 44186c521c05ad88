import Rules
import Testing

@Suite struct `A name` {
    @Test(arguments: ["A0123456789", "cli_a1b2", "3336.569", "x"])
    func `that a platform could have given is an App ID`(_ text: String) {
        #expect(AppID(text)?.value == text)
    }

    @Test(arguments: ["", "a/b", "a b", "..", ".", "é", "a\u{0}", String(repeating: "a", count: 129)])
    func `that could leave its path segment is not`(_ text: String) {
        #expect(AppID(text) == nil)
    }
}
