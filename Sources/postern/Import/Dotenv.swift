/// A `.env` file: `NAME=value` lines as dotenv libraries read them, refusing what they read differently.
struct Dotenv {
    /// One assignment, and the lines it takes, counted from 1.
    struct Entry {
        let name: String
        let value: String
        let lines: ClosedRange<Int>
        /// Why its value cannot be taken for certain; the line is well formed all the same.
        let doubt: String?
    }

    let entries: [Entry]
    /// Every line with its end, so that what is not taken can be kept as it is.
    let lines: [Substring]

    /// Errors name the line's number and never its content.
    init(_ text: String, path: String) throws(Failure) {
        var lines: [Substring] = []
        var rest = text[...]
        while !rest.isEmpty {
            let end = rest.firstIndex { $0 == "\n" || $0 == "\r\n" }.map { rest.index(after: $0) } ?? rest.endIndex
            lines.append(rest[..<end])
            rest = rest[end...]
        }
        var entries: [Entry] = []
        var index = 0
        while index < lines.count {
            var reader = Reader(lines: lines, index: index, path: path)
            if let entry = try reader.entry() { entries.append(entry) }
            index = reader.index + 1
        }
        self.entries = entries
        self.lines = lines
    }

    /// The file without the lines of `gone`; nil where nothing but comments and empty lines would be left.
    func without(_ gone: [Entry]) -> [UInt8]? {
        let taken = Set(gone.flatMap { Array($0.lines) })
        guard entries.contains(where: { !taken.contains($0.lines.lowerBound) }) else { return nil }
        return lines.enumerated().filter { !taken.contains($0.offset + 1) }.flatMap { Array($0.element.utf8) }
    }
}

/// Reads one assignment, over several lines where a quote is open.
private struct Reader {
    let lines: [Substring]
    /// The line being read, counted from 0.
    var index: Int
    let path: String

    mutating func entry() throws(Failure) -> Dotenv.Entry? {
        let start = index
        var line = Self.trimmed(lines[index])
        if line.isEmpty || line.first == "#" { return nil }
        if line.hasPrefix("export"), line.dropFirst(6).first?.isWhitespace == true {
            line = Self.trimmed(line.dropFirst(6))
        }
        let name = line.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "." || $0 == "-") }
        let after = Self.trimmed(line.dropFirst(name.count))
        guard !name.isEmpty, name.first?.isNumber == false, after.first == "=" else { throw malformed() }
        let value = Self.trimmed(after.dropFirst())
        guard let quote = value.first, quote == "\"" || quote == "'" || quote == "`" else {
            return plain(String(name), value, start)
        }
        let (text, tail) = try quoted(value.dropFirst(), quote)
        let end = Self.trimmed(tail)
        guard end.isEmpty || end.first == "#" else { throw malformed() }
        return Dotenv.Entry(
            name: String(name), value: text, lines: start + 1...index + 1,
            doubt: quote == "\"" ? Self.reference(in: text[...]) : nil)
    }

    private func plain(_ name: String, _ raw: Substring, _ start: Int) -> Dotenv.Entry {
        var value = raw
        var doubt: String?
        if let hash = value.firstIndex(of: "#") {
            if hash == value.startIndex || value[value.index(before: hash)].isWhitespace {
                value = Self.trimmed(value[..<hash])
            } else {
                doubt = "readers disagree about # without quotes; put the value in quotes"
            }
        }
        doubt = Self.reference(in: value) ?? doubt
        return Dotenv.Entry(name: name, value: String(value), lines: start + 1...start + 1, doubt: doubt)
    }

    /// The text up to the closing quote, and what follows it on its line.
    private mutating func quoted(_ first: Substring, _ quote: Character) throws(Failure) -> (String, Substring) {
        var text = ""
        var rest = first
        let start = index
        // The first piece was trimmed at its end; the white space before an open line's end belongs to the value.
        let line = lines[index]
        if let start = line.firstIndex(of: quote) { rest = line[line.index(after: start)...] }
        while true {
            var escaped = false
            var at = rest.startIndex
            while at < rest.endIndex {
                let character = rest[at]
                at = rest.index(after: at)
                if escaped {
                    escaped = false
                    switch character {
                    case "n": text.append("\n")
                    case "r": text.append("\r")
                    case "t": text.append("\t")
                    case "\"", "\\", "$": text.append(character)
                    default:
                        text.append("\\")
                        text.append(character)
                    }
                } else if character == "\\", quote == "\"" {
                    escaped = true
                } else if character == quote {
                    return (text, rest[at...])
                } else {
                    text.append(character == "\r\n" ? "\n" : character)
                }
            }
            guard index + 1 < lines.count, index < 4096 + lines.count else {
                throw malformed("a quote is not closed", at: start)
            }
            index += 1
            rest = lines[index]
        }
    }

    /// What some readers, shells among them, put something else in place of. Also after a backslash, which not all of
    /// them take away.
    private static func reference(in text: Substring) -> String? {
        let refers = zip(text, text.dropFirst()).contains { sign, next in
            sign == "$" && (next == "{" || next == "(" || next == "_" || next.isASCII && next.isLetter)
        }
        return refers ? "its value refers to something else, or may; write it out, in single quotes" : nil
    }

    private func malformed(_ why: String = "this is no NAME=value", at line: Int? = nil) -> Failure {
        Failure.usage(
            "\(path.shown), line \((line ?? index) + 1): \(why)", next: "nothing was stored; correct the line")
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
