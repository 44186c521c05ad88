/// The constants of a JavaScript settings file such as the Genesys blueprint's `common-variables.js` (platforms, 5.5):
/// one object literal of texts that is exported. Nothing is executed; what is not plain is refused.
struct ScriptConstants {
    struct Constant {
        let name: String
        /// nil for a number, true, false or null, which is no credential.
        let value: String?
        let line: Int
    }

    let constants: [Constant]

    /// Errors name the line's number and never its content.
    init(_ text: String, path: String) throws(Failure) {
        var reader = Reader(text, path)
        constants = try reader.file()
    }

    private struct Reader {
        private let text: [Unicode.Scalar]
        private let path: String
        private var at = 0
        private var line = 1

        init(_ text: String, _ path: String) {
            self.text = Array(text.unicodeScalars)
            self.path = path
        }

        mutating func file() throws(Failure) -> [Constant] {
            try skip()
            if peek == "'" || peek == "\"" {
                // 'use strict'
                _ = try string()
                try skip()
                if peek == ";" { at += 1 }
                try skip()
            }
            if takes("export") {
                try skip()
                guard takes("default") else { throw odd() }
            } else {
                if takes("module") {
                    try skip()
                    guard peek == "." else { throw odd() }
                    at += 1
                }
                try skip()
                guard takes("exports") else { throw odd() }
                try skip()
                guard peek == "=" else { throw odd() }
                at += 1
            }
            try skip()
            let found = try object()
            try skip()
            if peek == ";" { at += 1 }
            try skip()
            guard at == text.count else { throw odd() }
            return found
        }

        private mutating func object() throws(Failure) -> [Constant] {
            guard peek == "{" else { throw odd() }
            at += 1
            var found: [Constant] = []
            while true {
                try skip()
                if peek == "}" {
                    at += 1
                    return found
                }
                let start = line
                let name = peek == "'" || peek == "\"" ? try string() : try identifier()
                guard !found.contains(where: { $0.name == name }) else { throw odd("a name is there twice") }
                try skip()
                guard peek == ":" else { throw odd() }
                at += 1
                try skip()
                found.append(Constant(name: name, value: try value(), line: start))
                try skip()
                if peek == "," {
                    at += 1
                } else if peek != "}" {
                    throw odd()
                }
            }
        }

        private mutating func value() throws(Failure) -> String? {
            if peek == "'" || peek == "\"" || peek == "`" { return try string() }
            for word in ["true", "false", "null"] where takes(word) { return nil }
            let start = at
            if peek == "-" { at += 1 }
            while let next = peek, ("0"..."9").contains(next) || next == "." { at += 1 }
            guard at > start else {
                throw odd("only texts, numbers, true, false and null are read, nothing is computed")
            }
            return nil
        }

        private mutating func string() throws(Failure) -> String {
            guard let quote = peek else { throw odd() }
            at += 1
            var out = String.UnicodeScalarView()
            while let next = peek {
                at += 1
                switch next {
                case quote: return String(out)
                case "\n" where quote == "`":
                    line += 1
                    out.append(next)
                case "\n", "\r", "\u{2028}", "\u{2029}": throw odd("a quote is not closed")
                case "$" where quote == "`" && peek == "{": throw odd("a template is not read, nothing is computed")
                case "\\": out.append(try escape())
                default: out.append(next)
                }
            }
            throw odd("a quote is not closed")
        }

        private mutating func escape() throws(Failure) -> Unicode.Scalar {
            guard let next = peek else { throw odd() }
            at += 1
            switch next {
            case "n": return "\n"
            case "r": return "\r"
            case "t": return "\t"
            case "'", "\"", "`", "\\", "/", "$": return next
            case "x": return try hexadecimal(2)
            case "u": return try hexadecimal(4)
            default: throw odd("an escape that is not read")
            }
        }

        private mutating func hexadecimal(_ digits: Int) throws(Failure) -> Unicode.Scalar {
            guard at + digits <= text.count else { throw odd() }
            var number: UInt32 = 0
            for scalar in text[at..<at + digits] {
                guard let digit = Character(scalar).hexDigitValue, scalar.isASCII else { throw odd() }
                number = number * 16 + UInt32(digit)
            }
            guard number != 0, let scalar = Unicode.Scalar(number) else { throw odd("an escape that is not read") }
            at += digits
            return scalar
        }

        private mutating func identifier() throws(Failure) -> String {
            var name = String.UnicodeScalarView()
            while let next = peek, Self.isName(next) {
                name.append(next)
                at += 1
            }
            guard let first = name.first, !("0"..."9").contains(first) else { throw odd() }
            return String(name)
        }

        private mutating func takes(_ word: String) -> Bool {
            let scalars = Array(word.unicodeScalars)
            guard at + scalars.count <= text.count, Array(text[at..<at + scalars.count]) == scalars,
                at + scalars.count == text.count || !Self.isName(text[at + scalars.count])
            else { return false }
            at += scalars.count
            return true
        }

        private static func isName(_ scalar: Unicode.Scalar) -> Bool {
            scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
                || scalar == "_" || scalar == "$"
        }

        /// Over white space and comments.
        private mutating func skip() throws(Failure) {
            while let next = peek {
                if next == "\n" { line += 1 }
                if next.properties.isWhitespace {
                    at += 1
                } else if next == "/", at + 1 < text.count, text[at + 1] == "/" {
                    while let next = peek, next != "\n" { at += 1 }
                } else if next == "/", at + 1 < text.count, text[at + 1] == "*" {
                    at += 2
                    while !(peek == "*" && at + 1 < text.count && text[at + 1] == "/") {
                        guard let inside = peek else { throw odd("a comment is not closed") }
                        if inside == "\n" { line += 1 }
                        at += 1
                    }
                    at += 2
                } else {
                    return
                }
            }
        }

        private var peek: Unicode.Scalar? { at < text.count ? text[at] : nil }

        private func odd(_ why: String = "this is not plain: module.exports = { name: \"text\", … }") -> Failure {
            Failure.usage(
                "\(path.shown), line \(line): \(why)",
                next: "write the values plainly, or in a JSON file for postern import json; the file is never executed")
        }
    }
}
