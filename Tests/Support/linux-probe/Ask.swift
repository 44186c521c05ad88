import Glibc
import Linux

/// Does what standard input says, on a connection: `METHOD /path [BODY]` asks and says status and code, `exec PROGRAM`
/// becomes another program that goes on with the same connection, `rest` says what else arrives, `fork` leaves it to a child and ends.
func obey(_ socket: Int32) throws {
    while let line = nextLine() {
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        switch words.first {
        case "exec":
            _ = fcntl(socket, F_SETFD, 0)
            let arguments = [words[1], "go-on", "\(socket)"]
            var pointers = unsafe arguments.map { unsafe strdup($0) } + [nil]
            unsafe execv(words[1], &pointers)
            say("cannot execute \(words[1])")
        case "fork":
            let child = try ChildProcess.fork {
                try? obey(socket)
                return 0
            }
            say("\(child.pid)")
            Program.exit(0)
        case "name": say(Program.path)
        case "rest": say(rest(socket))
        default: say(ask(socket, words))
        }
    }
}

/// Byte by byte, so that nothing is taken away from who goes on.
private func nextLine() -> String? {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while unsafe read(0, &byte, 1) == 1 {
        if byte == UInt8(ascii: "\n") { return String(decoding: line, as: UTF8.self) }
        line.append(byte)
    }
    return nil
}

private func ask(_ socket: Int32, _ words: [String]) -> String {
    let body = words.count > 2 ? words[2] : ""
    let request =
        "\(words[0]) \(words[1]) HTTP/1.1\r\nHost: postern\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    let bytes = Array(request.utf8)
    guard unsafe send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return "cut" }
    var answer: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
        let text = String(decoding: answer, as: UTF8.self)
        if let end = text.range(ofEnd: "\r\n\r\n") {
            let head = text[..<end]
            let length =
                head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
                .flatMap { Int($0.dropFirst(15).filter(\.isNumber)) } ?? 0
            if text[end...].utf8.count >= length {
                return "\(head.split(separator: " ")[1]) \(line(text[end...]))"
            }
        }
        let got = unsafe recv(socket, &chunk, chunk.count, 0)
        if got <= 0 { return "cut" }
        answer += chunk[..<got]
    }
}

/// What still comes until an answer's last chunk, on one line.
private func rest(_ socket: Int32) -> String {
    var text = ""
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while !text.hasSuffix("0\r\n\r\n") {
        let got = unsafe recv(socket, &chunk, chunk.count, 0)
        if got <= 0 { break }
        text += String(decoding: chunk[..<got], as: UTF8.self)
    }
    return line(text[...])
}

/// One line of it, since each thing said is one: a watch begins with several.
private func line(_ text: Substring) -> String { String(text.map { $0.isNewline ? " " : $0 }) }

extension String {
    /// Where the first `part` ends.
    fileprivate func range(ofEnd part: String) -> String.Index? {
        var at = utf8.startIndex
        while at < utf8.endIndex {
            if utf8[at...].starts(with: part.utf8) { return utf8.index(at, offsetBy: part.utf8.count) }
            at = utf8.index(after: at)
        }
        return nil
    }
}
