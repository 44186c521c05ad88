package import Linux
package import Rules
internal import Synchronization

/// One call through the gateway on its way, as the keeper sees it. Used by one thread; `cut` by any.
package final class Passage: Sendable {
    private let stream: PassageStream
    private let lanes: Lanes
    private let state: Mutex<State>
    /// The courier reads the next call from the stream. After a body that came in chunks it does so only if the platform
    /// took all of it, which nobody says here.
    private let mayServeAgain: Bool

    private struct State {
        /// nil when the call is over.
        var turn: Courier.Turn?
        /// Nothing of this call is left on the stream, and the courier reads the next one there.
        var isClean = false
    }

    init(_ stream: PassageStream, of lanes: Lanes, _ turn: Courier.Turn, for body: PassageAsk.Body) {
        self.stream = stream
        mayServeAgain = body == .whole
        self.lanes = lanes
        state = Mutex(State(turn: turn))
    }

    deinit { end() }

    /// Passes on a piece of the request's body; waits while the platform does not take it. `courier_unavailable` where the
    /// call has ended meanwhile: the answer, if there is one, says why.
    package func send(_ piece: Span<UInt8>, until deadline: Deadline) throws(Problem) {
        try stream.send(piece: piece) { deadline }
    }

    /// The request's body is complete.
    package func endBody() throws(Problem) { try stream.endChunks(complete: true, until: .after(seconds: 10)) }

    /// Waits for the answer and the beginning of its body; `isWhole` says whether that is all.
    package func answer(
        until deadline: Deadline
    ) throws(Problem) -> (status: Int, headers: [HeaderLine], body: [UInt8], isWhole: Bool) {
        let frame = try stream.receive(maxBody: PassageStream.longestChunk, until: deadline)
        switch try PassageReply(frame.head) {
        case .answer(let status, let headers, let isWhole):
            if isWhole { noteEnd() }
            // curl takes any three digits; nobody can pass on what is no answer (RFC 9110, section 15).
            guard (200...599).contains(status) else {
                throw Problem(.platformRefused, "The platform answered with a status that HTTP does not have.")
            }
            return (status, headers, frame.body, isWhole)
        // The courier gives the stream up after this.
        case .unreachable(let why): throw why.problem
        }
    }

    /// The next bytes of the answer's body; 0 at its end. `platform_unreachable` where it breaks off.
    package func next(_ room: inout MutableSpan<UInt8>, until deadline: Deadline) throws(Problem) -> Int {
        let count: Int
        do { count = try stream.receive(chunk: &room, until: deadline) } catch {
            throw Problem(.platformUnreachable, "The platform's answer broke off.", advice: "Try again.")
        }
        if count == 0 { noteEnd() }
        return count
    }

    /// Ends the call where it is; the platform's connection is closed.
    package func cut() {
        state.withLock { state in
            if state.turn != nil { stream.cut() }
        }
    }

    /// The call is over: its stream serves the next one, or is closed where something of this one is left. Once.
    package func end() {
        let (isFirst, isClean) = state.withLock { state in
            defer { state.turn = nil }
            return (state.turn != nil, state.isClean)
        }
        guard isFirst else { return }
        if isClean, mayServeAgain, !stream.hasUnread { lanes.give(stream) } else { stream.cut() }
    }

    private func noteEnd() { state.withLock { $0.isClean = true } }
}

/// The streams to one courier on which no call is under way.
final class Lanes: Sendable {
    private let idle = Mutex<[(stream: PassageStream, since: Int64)]>([])

    /// More are not kept.
    private static let most = 128
    /// Milliseconds a stream may wait for a call. The courier has a thread for each.
    private static let patience: Int64 = 15_000

    /// The one used last, whose connection to the platform is the freshest.
    func take() -> PassageStream? { idle.withLock { $0.popLast()?.stream } }

    func give(_ stream: PassageStream) {
        stream.clear()
        let now = Clock.bootMilliseconds
        idle.withLock { idle in
            if idle.count < Self.most { idle.append((stream, now)) }
        }
    }

    /// Lets those go that have waited too long.
    func prune() {
        let now = Clock.bootMilliseconds
        idle.withLock { idle in idle.removeAll { now - $0.since > Self.patience } }
    }
}

extension Courier {
    /// Begins a call through the gateway, in its turn: hands it to the courier, with the request's body where that is
    /// there.
    ///
    /// Problems: `courier_unavailable`, `too_large`, `bad_request`. What was not handed over whole was not taken, and goes
    /// to the next courier where this one has ended; what may have been taken is never handed over twice.
    package func pass(_ ask: PassageAsk, body: [UInt8], _ turn: Turn) throws(Problem) -> Passage {
        let frame = Frame(head: try ask.head(), body: body)
        let deadline = Deadline.after(seconds: 10)
        let first = try link()
        let (stream, lanes): (PassageStream, Lanes)
        do throws(Problem) { (stream, lanes) = (try hand(frame, to: first, until: deadline), first.lanes) } catch {
            guard error.code == .courierUnavailable, !deadline.hasPassed, hasEnded(first) else { throw error }
            let next = try link()
            (stream, lanes) = (try hand(frame, to: next, until: deadline), next.lanes)
        }
        return Passage(stream, of: lanes, turn, for: ask.body)
    }

    /// The stream on which the call is now: one that is idle, else a new one.
    private func hand(_ frame: Frame, to link: Link, until deadline: Deadline) throws(Problem) -> PassageStream {
        if let stream = link.lanes.take() {
            do throws(Problem) {
                try stream.send(frame, until: deadline)
                return stream
            } catch {
                // Nobody reads there any more.
                guard error.code == .courierUnavailable, !deadline.hasPassed else { throw error }
            }
        }
        let pair: SocketPair
        do { pair = try SocketPair(.stream) } catch {
            throw error.problem(.courierUnavailable, doing: "open a stream to the courier")
        }
        try Control.passage.send(on: link.control, with: pair.far.number)
        let stream = pair.split { near, far in
            // Only the courier has it now, so that its end is seen here.
            _ = consume far
            return PassageStream(near)
        }
        try stream.send(frame, until: deadline)
        return stream
    }
}
