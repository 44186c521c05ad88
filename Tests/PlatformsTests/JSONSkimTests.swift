import Foundation
import Sealing
import Testing

@testable import Platforms

@Suite struct `Skimming a JSON object` {
    private static let names = ["type", "id", "x"].map { [UInt8]($0.utf8) }
    private static let event = [UInt8]("event".utf8)

    private static func skim(_ text: String) -> (texts: [String?], object: String?)? {
        let bytes = [UInt8](text.utf8)
        guard let skim = JSONSkim(bytes.span, in: 0..<bytes.count, texts: names, object: event) else { return nil }
        return (
            names.indices.map { skim.string($0, of: bytes.span) },
            skim.object.map { String(decoding: bytes[$0], as: UTF8.self) }
        )
    }

    @Test(
        arguments: [
            (#"{}"#, [nil, nil, nil], nil),
            (" {\"type\" : \"a\" ,\n\"id\":\"\"}\r\n", ["a", "", nil], nil),
            (#"{"type":5,"id":null,"x":["type","id"],"event":[{}]}"#, [nil, nil, nil], nil),
            (#"{"a":{"type":"inner","b":["}\"]","\\"]},"type":"outer"}"#, ["outer", nil, nil], nil),
            (#"{"event":{"type":"t","l":[[],{}]},"x":"é is not wanted here"}"#, nil, nil),
            (#"{"event":{"type":"t","l":[[],{}]},"x":"y"}"#, [nil, nil, "y"], #"{"type":"t","l":[[],{}]}"#),
            (#"{"b":"a long text of more than sixteen bytes, \" and \\","id":"1"}"#, [nil, "1", nil], nil),
        ] as [(String, [String?]?, String?)])
    func `finds texts and one object`(_ text: String, _ want: [String?]?, _ object: String?) {
        let found = Self.skim(text)
        #expect(found?.texts == want)
        #expect(found?.object == object)
    }

    /// Everything two readers could take differently, and everything cut short.
    @Test(
        arguments: [
            "", " ", "[]", "{", #"{"type""#, #"{"type":}"#, #"{"type":"a""#, #"{"type":"a"} x"#, #"{"type":"a",}"#,
            #"{"type":"a" "id":"b"}"#, #"{"type":"a","type":"b"}"#, #"{"event":{},"event":{}}"#,
            #"{"\u0074ype":"a"}"#, #"{"type":"\u0061"}"#, "{\"type\":\"a\u{1}\"}", "{\"a\":\"\u{0}\"}",
            #"{"type":"é"}"#, #"{"tÿpe":"a"}"#, #"{"a":[}],"type":"a"}"#, #"{"a":{]},"type":"a"}"#, #"{"a":"\"#,
            #"{type:"a"}"#, #"{'type':'a'}"#, #"{"type":"a"}}"#, #"{"a":/**/1,"type":"a"}"#,
            #"{"a":"# + String(repeating: "[", count: 65) + String(repeating: "]", count: 65) + "}",
        ])
    func `leaves to Foundation what is not plain`(_ text: String) {
        #expect(Self.skim(text) == nil)
    }

    @Test func `reads what Foundation reads`() throws {
        var random = SystemRandomNumberGenerator()
        let pieces = [
            "{", "}", "[", "]", ":", ",", "\"", "\\", " ", "\"type\"", "\"id\":\"1\"", "\"event\":{\"type\":\"t\"}",
            "\"x\":",
            "\"a\\\"b\"", "1", "-2.5e3", "true", "null", "\u{1}", "é", "\"",
            "\"k\":\"a text that is longer than sixteen\"",
        ]
        for _ in 0..<20_000 {
            // Mostly well-formed, and then changed in one place.
            var members = (0..<Int.random(in: 0...5, using: &random)).map { _ in
                [
                    #""type":"a""#, #""id":"b\\""#, #""id":"b""#, #""x":[1,{"type":"no"}]"#, #""x":"y""#,
                    #""z":"}{\"""#,
                    #""event":{"type":"e","b":[{}]}"#, #""n":-1.5"#, #""l":["a",["b"]]"#, #""t":"ü""#,
                ].randomElement(using: &random) ?? ""
            }
            if Bool.random(using: &random) { members.append(pieces.randomElement(using: &random) ?? "") }
            let text = "{" + members.joined(separator: ",") + "}"
            let bytes = [UInt8](text.utf8)
            guard let found = Self.skim(text), let fields = JSONFields(object: bytes.span) else { continue }
            #expect(found.texts == ["type", "id", "x"].map(fields.string), "\(text)")
            #expect((found.object == nil) == (fields.object("event") == nil), "\(text)")
        }
    }
}
