import Linux
import Testing

@testable import postern_sim

/// One open watch, read as a client of server-sent events does.
final class Watching {
    struct Event {
        let name: String
        let id: String?
        let data: JSON

        subscript(name: String) -> JSON? { data[name] }
    }

    let wire: Wire
    let head: Reply
    /// What a client would send as `Last-Event-ID`.
    private(set) var place = ""
    private var text = ""
    private var hasEnded = false

    init(_ stand: Stand, _ query: String = "", after place: String? = nil, uid: UInt32? = Stand.bridge) throws {
        wire = try Wire(stand.brokerSocket, uid: uid)
        let headers = place.map { ["Last-Event-ID: \($0)"] } ?? []
        try wire.send(Wire.request("GET", "/v1/watch\(query)", headers))
        head = try wire.receive()
        guard head.status == 200 else { return }
        // The place it begins at comes at once.
        try #require(try block() != nil)
        try #require(!self.place.isEmpty)
    }

    /// The next event; nil when the stream has ended as it should.
    func next() throws -> Event? {
        while let block = try block() {
            if let event = Self.event(block) { return event }
        }
        return nil
    }

    /// The next event's name, or how the stream ended.
    func name() throws -> String { try next()?.name ?? "end" }

    private func block() throws -> [Substring]? {
        while true {
            if let end = text.firstRange(of: "\n\n") {
                let lines = text[..<end.lowerBound].split(separator: "\n")
                text.removeSubrange(..<end.upperBound)
                if let id = lines.first(where: { $0.hasPrefix("id: ") }) { place = String(id.dropFirst(4)) }
                return lines
            }
            guard !hasEnded else { return nil }
            guard let more = try wire.chunk() else {
                hasEnded = true
                continue
            }
            text += String(decoding: more, as: UTF8.self)
        }
    }

    private static func event(_ lines: [Substring]) -> Event? {
        func value(_ name: String) -> String? {
            lines.first { $0.hasPrefix("\(name): ") }.map { String($0.dropFirst(name.count + 2)) }
        }
        guard let name = value("event"), let data = value("data"), let json = JSON(bytes: Array(data.utf8)) else {
            return nil
        }
        return Event(name: name, id: value("id"), data: json)
    }
}

extension Stand {
    /// Puts a new value in force.
    func rotate(_ kind: String = "signing_secret", of app: String = app, grace: Int64 = 3600) throws {
        try must(
            "POST", "apps/\(app)/secrets/\(kind)/rotate",
            ["value": .string(Planted.secret()), "grace_seconds": .integer(grace)])
    }
}
