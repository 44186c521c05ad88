package import Rules

/// The keeper's end of the one process that talks to the network: starts it, hands it errands, hears its callbacks.
package final class Courier: Sendable {
    /// A courier process that was just started; `control` is our end of its SEQPACKET pair and passes to the receiver.
    package struct Started: Sendable {
        package let control: Int32
        package let pid: Int32

        package init(control: Int32, pid: Int32) {
            self.control = control
            self.pid = pid
        }
    }

    /// Starts a courier, or throws `.courierUnavailable`. Called on any thread, never twice at once.
    package typealias Start = @Sendable () throws(Problem) -> Started
    /// Judges one callback; called on a thread of its own, at most `maxCallbacks` at once.
    package typealias Answer = @Sendable (CallbackRequest) -> CallbackAnswer

    /// More callbacks than this at once are answered "try again" without asking the keeper's handler.
    package static let maxCallbacks = 64

    private let start: Start
    private let answer: Answer

    package init(start: @escaping Start, answer: @escaping Answer) {
        self.start = start
        self.answer = answer
    }

    /// Starts the first courier, so that the callback listener is there before the first errand.
    package func begin() throws(Problem) {
        throw Problem(.courierUnavailable, "The courier is not running.")
    }

    /// Carries one errand and waits for its answer. Problems: `.platformUnreachable`, `.courierUnavailable`,
    /// `.tooLarge`, `.badRequest`. Many threads may call at once.
    package func carry(_ errand: Errand) throws(Problem) -> ErrandAnswer {
        switch attempt(errand) {
        case .answered(let answer): return answer
        case .failed(let problem, _): throw problem
        }
    }

    /// How an errand ended, for callers who spend something that can be spent once.
    package enum Outcome: Sendable {
        case answered(ErrandAnswer)
        /// `mayHaveBeenSent`: the platform may have acted although no answer came back.
        case failed(Problem, mayHaveBeenSent: Bool)
    }

    /// Like `carry`, and says whether a failed errand may have reached the platform.
    package func attempt(_ errand: Errand) -> Outcome {
        .failed(Problem(.courierUnavailable, "The courier is not running."), mayHaveBeenSent: false)
    }

    /// True while a courier that reported ready is there.
    package var isRunning: Bool { false }

    /// The running courier's process id.
    package var pid: Int32? { nil }

    /// Ends the courier and starts no other. Errands under way fail.
    package func stop() {}
}
