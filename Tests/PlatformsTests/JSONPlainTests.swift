import Testing

@testable import Platforms

@Suite struct `A plain JSON object` {
    @Test(
        arguments: [
            ("{}", [:]), (" {\n} ", [:]),
            (
                #"{"as":"bot","methods":["chat.postMessage"],"ttl":600}"#,
                [
                    "as": .text("bot"), "methods": .texts(["chat.postMessage"]), "ttl": .int(600),
                ]
            ),
            (
                #"{"a":true,"b":false,"c":null,"d":0,"e":-12,"f":[ ],"g":[ "x" , "" ],"h":""}"#,
                [
                    "a": .bool(true), "b": .bool(false), "c": .null, "d": .int(0), "e": .int(-12), "f": .texts([]),
                    "g": .texts(["x", ""]), "h": .text(""),
                ]
            ),
            (#"{"n":999999999999999999}"#, ["n": .int(999_999_999_999_999_999)]),
        ] as [(String, KeyValuePairs<String, JSONPlain>)])
    func `is read without Foundation`(_ text: String, _ want: KeyValuePairs<String, JSONPlain>) {
        let found = JSONPlain.members(of: text.utf8.span)
        #expect(found?.map(\.name) == want.map(\.key))
        #expect(found?.map(\.value) == want.map(\.value))
    }

    @Test(
        arguments: [
            "", "[]", "{", "{}}", "{} x", #"{"a":01}"#, #"{"a":-0}"#, #"{"a":-}"#, #"{"a":1.0}"#, #"{"a":1e3}"#,
            #"{"a":+1}"#, #"{"a":1000000000000000000}"#, #"{"a":True}"#, #"{"a":nul}"#, #"{"a":[1]}"#, #"{"a":[[]]}"#,
            #"{"a":["x",]}"#, #"{"a":[,]}"#, #"{"a":["x" "y"]}"#, #"{"a":["x"}"#, #"{"a":{}}"#, #"{"a":"\n"}"#,
            #"{"a":"é"}"#, #"{"a":1,"a":1}"#, #"{"a":"b"#, #"{"a":["b"#, #"{"a":["b","#, #"{"a":["#,
            "{\"a\":\"\u{1}\"}",
        ])
    func `is left to Foundation where it is not`(_ text: String) {
        #expect(JSONPlain.members(of: text.utf8.span) == nil)
    }

    /// Or a body of a megabyte would cost its reader minutes.
    @Test func `is left to Foundation where it has many members`() {
        func object(_ count: Int) -> String { "{" + (0..<count).map { "\"m\($0)\":1" }.joined(separator: ",") + "}" }
        #expect(JSONPlain.members(of: object(JSONPlain.most).utf8.span)?.count == JSONPlain.most)
        #expect(JSONPlain.members(of: object(JSONPlain.most + 1).utf8.span) == nil)
    }

    /// Whatever is read here is read by Foundation, and as the same.
    @Test func `is what Foundation takes it for`() throws {
        var random = SystemRandomNumberGenerator()
        let pieces =
            Array("{}[]:,\"\\ 0123456789-+.eEtruefalsn\u{1}é").map(String.init) + [
                "true", "false", "null", "\"a\"", "\"b\":", "\"c\":[\"d\"]", "-5", "[\"x\",\"y\"]", "\\u0041",
            ]
        var read = 0
        for round in 0..<40_000 {
            var members = (0..<Int.random(in: 0...4, using: &random)).map { index in
                let value =
                    [
                        #""text""#, "17", "-3", "0", "true", "null", #"["u","v"]"#, "[ ]", #""a b""#, "1.5", #""\"""#,
                        "{}",
                    ].randomElement(using: &random) ?? ""
                return "\"\(["a", "b", "c", "d", "a"][index])\" : \(value)"
            }
            if round % 2 == 0 { members.append(pieces.randomElement(using: &random) ?? "") }
            var text = "{" + members.joined(separator: ",") + "}"
            if round % 3 == 0 {
                let place = text.indices.randomElement(using: &random) ?? text.startIndex
                text.insert(contentsOf: pieces.randomElement(using: &random) ?? "", at: place)
            }
            guard let found = JSONPlain.members(of: text.utf8.span) else { continue }
            read += 1
            guard case .object(let members)? = JSONTree([UInt8](text.utf8)) else {
                Issue.record("Foundation reads no object in \(text)")
                continue
            }
            #expect(
                members.mapValues(JSONPlain.init)
                    == Dictionary(uniqueKeysWithValues: found.map { ($0.name, Optional($0.value)) }), "\(text)")
        }
        #expect(read > 1000)
    }
}

extension JSONPlain {
    /// What Foundation has read; nil for what is never plain.
    fileprivate init?(_ tree: JSONTree) {
        switch tree {
        case .null: self = .null
        case .bool(let value): self = .bool(value)
        case .integer(let value): self = .int(value)
        case .text(let value): self = .text(value)
        case .list(let items):
            guard tree.texts.count == items.count else { return nil }
            self = .texts(tree.texts)
        case .number, .object: return nil
        }
    }
}
