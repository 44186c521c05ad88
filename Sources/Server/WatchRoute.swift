import Broker
import HTTPServer
import Rules
import Synchronization
import Vault

extension BrokerRoutes {
    /// Server-sent events (HTML Living Standard, section 9.2) until the client leaves or may not watch any more.
    func watch(
        _ http: borrowing HTTPServer.Request, _ caller: Caller, _ request: RequestID
    ) throws(Problem) -> HTTPServer.Response {
        let watcher = try broker.watch(
            try Self.filter(http), after: http.header("last-event-id").flatMap { $0.isEmpty ? nil : $0 }, for: caller,
            request)
        let text: EventText
        do throws(Problem) { text = EventText(watcher, from: try watcher.beginning()) } catch {
            watcher.close()
            throw error
        }
        return HTTPServer.Response(
            status: 200,
            headers: [
                .init("Content-Type", "text/event-stream"), Reply.noStore,
                .init("X-Request-Id", request.description),
            ],
            body: .stream(HTTPServer.Stream(interrupted: { _ in watcher.end() }, pull: { text.fill(&$0) })),
            onSent: { watcher.close() })
    }

    private static func filter(_ http: borrowing HTTPServer.Request) throws(Problem) -> WatchFilter {
        var filter = WatchFilter()
        for (name, value) in http.query {
            switch name {
            case "app":
                let parts = value.split(separator: "/", omittingEmptySubsequences: false)
                guard parts.count == 2 else {
                    throw Problem(.badRequest, "app is PLATFORM/APP_ID", advice: "such as ?app=slack/A0123456789")
                }
                filter.apps.insert(try Names.app(parts[0], parts[1]))
            case "event":
                guard let event = WatchEvent.Name(rawValue: value) else {
                    throw Problem(
                        .badRequest, "there is no such event",
                        advice: "one of " + WatchEvent.Name.allCases.map(\.rawValue).joined(separator: ", "))
                }
                filter.events.insert(event)
            default: throw Problem(.badRequest, "a watch takes app and event, each as often as wanted")
            }
        }
        return filter
    }
}

/// What a watcher is told, as the lines of an event stream.
private final class EventText: Sendable {
    private let watcher: Watcher
    /// What did not fit the room the last time.
    private let rest: Mutex<ArraySlice<UInt8>>

    init(_ watcher: Watcher, from place: String) {
        self.watcher = watcher
        // A client that is cut off waits a second before it comes back.
        rest = Mutex(ArraySlice("retry: 1000\nid: \(place)\n\n".utf8))
    }

    /// The next piece. `next` is asked only when all that was told before has left: a revocation counts on it.
    func fill(_ room: inout MutableSpan<UInt8>) -> HTTPServer.Stream.Piece {
        var bytes = rest.withLock { $0 }
        if bytes.isEmpty {
            guard let next = Self.lines(of: watcher.next()) else { return .end }
            bytes = next[...]
        }
        let count = min(room.count, bytes.count)
        for offset in 0..<count { room[offset] = bytes[bytes.startIndex + offset] }
        let kept = bytes.dropFirst(count)
        rest.withLock { $0 = kept }
        return .bytes(count)
    }

    private static func lines(of step: Watcher.Step) -> [UInt8]? {
        switch step {
        case .ended: return nil
        // An id without data is no event, and yet where the client goes on from.
        case .quiet(let place): return Array(": still watching\nid: \(place)\n\n".utf8)
        case .missed(let place):
            return event(.resync, ["event": "resync", "reason": "missed"], place)
        case .told(let events, let place):
            var lines: [UInt8] = []
            for (index, one) in events.enumerated() {
                // Whoever is cut off in the middle hears all of them again.
                lines += event(one.name, Show.event(one), index == events.count - 1 ? place : nil)
            }
            return lines
        }
    }

    private static func event(_ name: WatchEvent.Name, _ data: JSONValue, _ place: String?) -> [UInt8] {
        var lines = Array("event: \(name.rawValue)\n".utf8)
        if let place { lines += Array("id: \(place)\n".utf8) }
        lines += Array("data: ".utf8)
        // One line: a line break within a text is escaped.
        lines += data.bytes
        lines += Array("\n\n".utf8)
        return lines
    }
}

extension Show {
    /// One event's data: names, numbers and times.
    static func event(_ event: WatchEvent) -> JSONValue {
        var members: [String: JSONValue] = [
            "event": .text(event.name.rawValue), "time": .time(event.notice.time),
            "platform": .optional(event.app?.platform.rawValue), "app_id": .optional(event.app?.appID.value),
        ]
        func place(_ installation: Int64) { members["installation"] = installation == 0 ? .absent : .int(installation) }
        let what = event.notice.what
        members["as"] = .optional(what.leg?.rawValue)
        switch what {
        case .secretRotated(let kind, let installation, let version, let previous, let previousEnds):
            members["kind"] = .text(kind.rawValue)
            members["version"] = .int(version)
            members["state"] = "current"
            members["previous_version"] = .optional(previous)
            members["previous_ends_at"] = .time(previousEnds)
            place(installation)
        case .secretRetired(let kind, let installation, let version):
            members["kind"] = .text(kind.rawValue)
            members["version"] = .int(version)
            members["state"] = "destroyed"
            place(installation)
        case .secretRemoved(let kind, let installation):
            members["kind"] = .text(kind.rawValue)
            place(installation)
        case .needsReauthorization(let installation, _), .connected(let installation), .disconnected(let installation):
            place(installation)
        case .leaseRevoked(let id, _): members["lease_id"] = .text(id)
        case .leasesRevoked(_, let installation):
            members["reason"] = "all_leases"
            place(installation ?? 0)
        case .appSuspended: members["reason"] = "app_suspended"
        case .appRemoved: members["reason"] = "app_removed"
        case .appResumed: members["reason"] = "app_resumed"
        case .grantAdded(let grant), .grantRemoved(let grant):
            members["grant"] = .int(grant.id)
            members["pattern"] = .text(grant.pattern.description)
            if case .grantAdded = what {
                members["reason"] = "grant_added"
            } else {
                members["reason"] = "grant_removed"
            }
        case .serviceSuspended, .serviceRemoved: break
        }
        return .object(members)
    }
}
