import Rules
import Synchronization

extension HTTPServer {
    /// One accepted connection.
    ///
    /// Its buffers and the rest of the mutable state belong to the thread libmicrohttpd runs the connection on, hence
    /// unchecked; `phase` and `open` are for the others.
    package final class Connection: @unchecked Sendable {
        package let descriptor: Int32
        /// What `Service.connected` returned.
        package let context: any AnyObject & Sendable
        let share: UInt64
        let core: Core

        var stage = Stage.waiting
        var target = WipedBuffer()
        /// There is a NUL in the target, of which only what stands before it is known.
        var isCutShort = false
        var body = WipedBuffer()
        var bodyLimit = 0
        /// The answer under way, or the last one, ends the connection.
        var isLast = false
        /// Who takes the body of this request instead.
        var sink: BodySink?
        private var onSent: (@Sendable () -> Void)?
        /// The stream that is being sent.
        private let streaming = Mutex<Streaming?>(nil)
        /// The phase in the low bits, above them the moment it must be over.
        private let phase: Atomic<UInt64>
        /// False once the descriptor may be somebody else's.
        private let open = Mutex(true)

        enum Stage { case waiting, target, body, answered }

        enum Phase: UInt64 {
            /// A new connection; its first request must come whole within the time of one.
            case fresh
            /// Within a request that has not come whole: told so when its time is over.
            case receiving
            /// Between two requests: closed without a word.
            case idle
            case handling
            case sending
            /// Shut down; whatever else happens to it does not count.
            case ended
            /// Waiting for the next piece of a stream, which takes as long as it takes.
            case producing
        }

        init(descriptor: Int32, admission: Admission, core: Core) {
            self.descriptor = descriptor
            context = admission.context
            share = admission.share
            self.core = core
            phase = Atomic(Self.packed(.fresh, after: core.limits.receive))
        }

        /// Ends the connection from any thread: what is being read or written at either end fails.
        package func cut() {
            open.withLock { open in
                if open { Socket.shutdown(descriptor) }
            }
            streaming.withLock { $0 }?.leave()
        }

        /// Goes on to `next`; false when another thread has ended the connection meanwhile.
        func enter(_ next: Phase) -> Bool {
            let time: Int
            switch next {
            case .fresh, .receiving: time = core.limits.receive
            case .idle: time = core.limits.idle
            case .sending: time = core.limits.send
            case .handling, .producing, .ended: time = 0
            }
            let wanted = Self.packed(next, after: time)
            var current = phase.load(ordering: .relaxed)
            while Self.phase(of: current) != .ended {
                let (done, seen) = phase.compareExchange(
                    expected: current, desired: wanted, ordering: .acquiringAndReleasing)
                if done { return true }
                current = seen
            }
            return false
        }

        /// A request line has come. The time of a first request runs since the connection began.
        func requestBegan() {
            stage = .target
            target.clear()
            let current = phase.load(ordering: .relaxed)
            switch Self.phase(of: current) {
            case .fresh:
                _ = phase.compareExchange(
                    expected: current, desired: current & ~7 | Phase.receiving.rawValue,
                    ordering: .acquiringAndReleasing)
            case .idle: _ = enter(.receiving)
            case .receiving, .handling, .sending, .producing, .ended: break
            }
        }

        func answering(_ onSent: (@Sendable () -> Void)?) { self.onSent = onSent }

        func streams(_ stream: HTTPServer.Stream) -> Streaming {
            let started = Streaming(stream, on: self)
            streaming.withLock { $0 = started }
            return started
        }

        /// Gives a piece of the body away; whoever takes it may need longer than a request may.
        func give(_ piece: Span<UInt8>, to sink: BodySink) -> BodySink.Taken {
            let before = phase.load(ordering: .relaxed)
            guard enter(.handling) else { return .kept }
            let taken = sink.take(piece)
            guard case .kept = taken else {
                _ = enter(.receiving)
                return taken
            }
            let handling = phase.load(ordering: .relaxed)
            if Self.phase(of: handling) == .handling {
                _ = phase.compareExchange(expected: handling, desired: before, ordering: .acquiringAndReleasing)
            }
            return taken
        }

        /// The library has refused what came of a request, with this status or without an answer: the service is told,
        /// though its own answer has no way out any more.
        func noteRefused(status: UInt32) {
            guard stage == .target || stage == .body, !hasEnded else { return }
            isLast = true
            let problem: Problem =
                switch status {
                case 413: Problem(.tooLarge, "The body is too large.")
                case 414, 431: Problem(.headerTooLarge, "The header is too large.")
                default: Self.malformed
                }
            _ = core.service.refuse(problem, context)
        }

        /// The connection is over. One that ends between requests while its client waits, or has sent what nobody read,
        /// had no request line the library would take; it says nothing else of that.
        func noteUnheard() {
            let phase = Self.phase(of: phase.load(ordering: .acquiring))
            guard phase == .fresh || phase == .idle && !isLast, !core.stopping.load(ordering: .relaxed),
                Socket.hasUnread(descriptor) || phase == .fresh && !Socket.hasLeft(descriptor)
            else { return }
            _ = core.service.refuse(Self.malformed, context)
        }

        private var hasEnded: Bool { Self.phase(of: phase.load(ordering: .acquiring)) == .ended }

        private static let malformed = Problem(.badRequest, "This is no HTTP request.")

        /// The answer has left, or never will.
        func requestEnded() {
            sink.take()?.ended()
            streaming.withLock { $0 = nil }
            if let hook = onSent {
                onSent = nil
                hook()
            }
            target.clear()
            body.clear()
            bodyLimit = 0
            stage = .waiting
            _ = enter(.idle)
        }

        /// The descriptor is about to be closed.
        func ended() {
            open.withLock { $0 = false }
            requestEnded()
            core.service.disconnected(context)
        }

        /// Shuts the connection down when its phase has lasted too long, saying so where a request was on its way.
        func expire(at now: UInt64) {
            let current = phase.load(ordering: .acquiring)
            let phase = Self.phase(of: current)
            if phase == .producing { return leaveIfGone() }
            guard phase != .handling, phase != .ended, current >> 3 < now else { return }
            guard end(current) else { return }
            let refusal =
                phase == .receiving || phase == .fresh ? RawAnswer.bytes(core.service.refuse(Self.late, context)) : nil
            open.withLock { open in
                guard open else { return }
                if let refusal { Socket.send(refusal, to: descriptor) }
                Socket.shutdown(descriptor)
            }
        }

        /// For a server that stops: true when the connection is over or was idle and is now shut down.
        func endIfIdle() -> Bool {
            let current = phase.load(ordering: .acquiring)
            switch Self.phase(of: current) {
            case .ended: return true
            case .receiving, .handling: return false
            case .sending, .producing:
                streaming.withLock { $0 }?.stop()
                return false
            case .fresh, .idle:
                let unread = open.withLock { $0 && Socket.hasUnread(descriptor) }
                guard !unread, end(current) else { return false }
                cut()
                return true
            }
        }

        /// A stream that waits to be made, for a client that has left: nothing else would notice.
        private func leaveIfGone() {
            guard open.withLock({ $0 && Socket.isGone(descriptor) }) else { return }
            streaming.withLock { $0 }?.leave()
        }

        private func end(_ current: UInt64) -> Bool {
            phase.compareExchange(
                expected: current, desired: Phase.ended.rawValue, ordering: .acquiringAndReleasing
            ).exchanged
        }

        private static func phase(of word: UInt64) -> Phase { Phase(rawValue: word & 7) ?? .ended }

        private static func packed(_ phase: Phase, after milliseconds: Int) -> UInt64 {
            (Now.milliseconds + UInt64(max(0, milliseconds))) << 3 | phase.rawValue
        }

        private static let late = Problem(.requestTimeout, "The request did not arrive in time.")
    }
}
