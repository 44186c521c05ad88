import Glibc
import Linux
import Outside

@testable import postern_sim

/// What came back for one request.
struct Reply: Sendable {
    let status: Int
    /// Names in lower case, in the order they came.
    let headers: [(name: String, value: String)]
    let body: [UInt8]

    var json: JSON? { JSON(bytes: body) }
    var text: String { String(decoding: body, as: UTF8.self) }
    /// The problem's code; nil where it is none.
    var code: String? { json?["code"]?.text }
    var requestID: String? { header("x-request-id") }
    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

    subscript(name: String) -> JSON? { json?[name] }
}

/// One connection to a Unix socket, kept for many requests.
final class Wire {
    /// How long any answer may take: long, since a slow machine is no failure.
    static let patience: Int64 = 60

    private let socket: FileDescriptor
    private var buffer: [UInt8] = []
    private var start = 0
    /// Bytes of all answers returned so far.
    private(set) var taken = 0

    /// Connects as this process, or as another user where `uid` says so and we are root.
    init(_ path: String, uid: UInt32? = nil) throws(SystemError) {
        guard let uid else {
            socket = try FileDescriptor.connect(unix: path)
            return
        }
        let number = unsafe outside_connect(path, uid, uid)
        guard number >= 0 else { throw SystemError("connect", -number) }
        socket = FileDescriptor(owning: number)
    }

    /// Connects to a port of 127.0.0.1, as another user where `uid` says so and we are root.
    init(loopback port: UInt16, uid: UInt32? = nil) throws(SystemError) {
        guard let uid else {
            socket = try FileDescriptor.connect(loopbackPort: port)
            return
        }
        let number = outside_connect_tcp(port, uid, uid)
        guard number >= 0 else { throw SystemError("connect", -number) }
        socket = FileDescriptor(owning: number)
    }

    func send(_ bytes: [UInt8]) throws(SystemError) { try socket.send(bytes, until: .after(seconds: Self.patience)) }

    /// Ends both halves.
    func hangUp() { socket.shutDown() }

    /// Bytes that have come so far on this connection, taken or not: what the other end had let go.
    func arrived() -> Int {
        var waiting = [UInt8](repeating: 0, count: 1 << 18)
        let got = unsafe recv(socket.number, &waiting, waiting.count, Int32(MSG_PEEK | MSG_DONTWAIT))
        return taken + (buffer.count - start) + max(0, got)
    }

    /// Whether anything has come that was not taken, or the other end is gone.
    var hasNews: Bool {
        guard buffer.count == start else { return true }
        var byte: UInt8 = 0
        return unsafe recv(socket.number, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) >= 0
    }

    static func request(
        _ method: String, _ path: String, _ headers: [String] = [], body: [UInt8] = [], host: String? = "postern"
    ) -> [UInt8] {
        var head = "\(method) \(path) HTTP/1.1\r\n"
        if let host { head += "Host: \(host)\r\n" }
        for header in headers { head += header + "\r\n" }
        if !body.isEmpty || method == "POST" || method == "PUT" { head += "Content-Length: \(body.count)\r\n" }
        return Array((head + "\r\n").utf8) + body
    }

    /// The next answer. ECONNRESET where the connection ends before it is whole.
    func receive() throws(SystemError) -> Reply {
        var lines: [Substring] = []
        let before = start
        while true {
            if let end = headEnd() {
                lines = String(decoding: buffer[start..<end], as: UTF8.self).split(separator: "\r\n")
                start = end + 4
                break
            }
            try more()
        }
        let headers = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (
                name: parts[0].lowercased(),
                value: parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
            )
        }
        let status = Int(lines[0].split(separator: " ").dropFirst().first ?? "") ?? 0
        let length = headers.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        while buffer.count - start < length { try more() }
        let body = Array(buffer[start..<start + length])
        start += length
        taken += start - before
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: true)
            start = 0
        }
        return Reply(status: status, headers: headers, body: body)
    }

    /// The next chunk of an answer that comes in chunks (RFC 9112, section 7.1); nil after the last. Throws where the
    /// connection ends before it, or `deadline` passes.
    func chunk(until deadline: Deadline = .after(seconds: patience)) throws(SystemError) -> [UInt8]? {
        var end = start
        while true {
            if let found = buffer[end...].firstIndex(of: 10) {
                end = found
                break
            }
            end = buffer.count
            try more(until: deadline)
        }
        let count = Int(String(decoding: buffer[start..<end - 1], as: UTF8.self), radix: 16) ?? 0
        while buffer.count < end + 1 + count + 2 { try more(until: deadline) }
        let bytes = Array(buffer[end + 1..<end + 1 + count])
        taken += end + 1 + count + 2 - start
        buffer.removeFirst(end + 1 + count + 2)
        start = 0
        return count == 0 ? nil : bytes
    }

    private func headEnd() -> Int? {
        guard buffer.count - start >= 4 else { return nil }
        var at = start
        while at + 3 < buffer.count {
            if buffer[at] == 13, buffer[at + 2] == 13, buffer[at + 1] == 10, buffer[at + 3] == 10 { return at }
            at += 1
        }
        return nil
    }

    /// What comes until the connection ends, or until it is so many bytes; all of it as text.
    func rest(atLeast count: Int = .max) -> String {
        do throws(SystemError) { while buffer.count - start < count { try more() } } catch {}
        return String(decoding: buffer[start...], as: UTF8.self)
    }

    private func more(until deadline: Deadline = .after(seconds: patience)) throws(SystemError) {
        var chunk = [UInt8](repeating: 0, count: 16_384)
        var span = chunk.mutableSpan
        let got = try socket.receive(into: &span, until: deadline)
        guard got > 0 else { throw SystemError("recv", 104) }
        buffer += chunk[..<got]
    }

    func call(
        _ method: String, _ path: String, _ body: JSON? = nil, headers: [String] = []
    ) throws(SystemError) -> Reply {
        try send(Self.request(method, path, headers, body: body?.bytes ?? []))
        return try receive()
    }
}
