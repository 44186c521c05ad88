import Rules
import Testing

@Suite struct `A platform's method` {
    @Test(
        arguments: [
            ("chat.postMessage", ["chat.postMessage"], true), ("chat.postMessage", ["*"], true),
            ("chat.postMessage", ["chat.*"], false), ("chat.postMessage", ["Chat.postMessage"], false),
            ("chat.postMessage", [], false), ("chat.postMessage", ["auth.test", "chat.postMessage"], true),
            ("POST im/v1/messages", ["POST im/v1/messages"], true),
            ("GET im/v1/messages", ["POST im/v1/messages"], false), ("GET im/v1/messages", ["* im/v1/messages"], true),
            ("POST im/v1/messages", ["POST im/*/messages"], true), ("POST im/v1/messages", ["POST im/*"], false),
            ("POST im/v1/messages/om_1/reply", ["POST im/v1/messages/*/reply"], true),
            ("POST im/v1/messages/om_1/forward", ["POST im/v1/messages/*/reply"], false),
            ("POST im/v1/messages/om_1", ["POST im/v1/messages/*"], true),
            ("POST im/v1/messages", ["POST im/v1/messages/*"], false),
            ("POST im/v1/messages/*", ["POST im/v1/messages/*"], true),
            ("POST im/v1/messages/*", ["POST im/v1/messages/om_1"], false),
            ("* im/v1/messages", ["POST im/v1/messages"], false), ("*", ["POST im/v1/messages"], false),
        ] as [(String, [String], Bool)])
    func `is covered by a pattern with one star per segment`(_ method: String, _ patterns: [String], _ covered: Bool) {
        #expect(Method.isCovered(method, by: patterns) == covered)
    }

    @Test(
        arguments: [
            ("chat.postMessage", true), ("*", true), ("POST im/v1/messages", true), ("* im/v1/messages/*", true),
            ("POST api/v2/conversations/{id}", true), ("", false), (" ", false), ("POST im", false),
            ("post im/v1", false), ("POST im/v1 x", false), ("POST  im/v1", false), ("chat\u{7}", false), ("é", false),
        ])
    func `is a word, or a verb and a path`(_ text: String, _ good: Bool) {
        #expect(Method.isWellFormed(text) == good)
    }

    @Test(
        arguments: [
            ("chat.postMessage", "chat.postMessage"), ("POST im/v1/messages", "POST im/v1/messages"),
            ("PATCH im/v1/messages/om_1", "PATCH im/v1/messages/*"),
            ("POST im/v1/messages/om_1/reply", "POST im/v1/messages/*/reply"),
            ("GET contact/v3/users/a%40b", "GET contact/v3/users/*"), ("GET api/v2/users/me", "GET api/v2/users/me"),
            ("GET api/v2/users/7f1c0000-0000-4000-8000-000000000001", "GET api/v2/users/*"),
            ("GET sheets/v2/values_batch_get/vx", "GET sheets/v2/values_batch_get/vx"),
        ])
    func `is limited whatever its ids`(_ method: String, _ want: String) {
        #expect(Method.withoutIDs(method) == want)
    }
}
