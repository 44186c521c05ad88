import Errands
import Platforms
import Rules
import Sealing
import Vault

extension Broker {
    /// How a request to a platform ended, for callers who spend something that can be spent once.
    enum Asked {
        case answered(PlatformAnswer)
        /// `mayHaveBeenSent`: the platform may have acted although no answer came back.
        case failed(Problem, mayHaveBeenSent: Bool)
    }

    static let noCourier = Problem(
        .courierUnavailable, "the courier is not running, so no platform can be asked",
        advice: "look at posternd's log; it starts postern-courier from its own directory")

    /// Sends one request to a platform by the courier and says how it ended, whatever the answer's status.
    func attempt(_ request: PlatformRequest, timeoutSeconds: Int = 20) -> Asked {
        guard let courier else { return .failed(Self.noCourier, mayHaveBeenSent: false) }
        switch courier.attempt(Errand(request, timeoutSeconds: timeoutSeconds)) {
        case .answered(let answer): return .answered(PlatformAnswer(answer))
        case .failed(let problem, let mayHaveBeenSent): return .failed(problem, mayHaveBeenSent: mayHaveBeenSent)
        }
    }

    /// Sends one request to a platform by the courier and returns what came back, whatever its status.
    func ask(_ request: PlatformRequest, timeoutSeconds: Int = 20) throws(Problem) -> PlatformAnswer {
        switch attempt(request, timeoutSeconds: timeoutSeconds) {
        case .answered(let answer): return answer
        case .failed(let problem, _): throw problem
        }
    }

    /// Opens a secret that the broker itself needs in a request to a platform.
    ///
    /// The text is transient: it goes into one errand, and freed memory is scrubbed process-wide (design, section 3).
    func use(_ secret: SecretName) throws(Problem) -> String? {
        let slab = slabs.take()
        defer { slabs.give(slab) }
        guard try vault.read(secret, version: nil, at: vault.now, into: slab) != nil else { return nil }
        return text(slab)
    }

    private func text(_ slab: Slab) -> String { String(decoding: [UInt8](copying: slab.span), as: UTF8.self) }
}

extension SecretBox {
    /// Moves a token that came out of a platform's answer into guarded memory.
    convenience init(_ text: String) { self.init(SecretBytes(copying: text.utf8.span)) }
}

extension Errand {
    /// One request to a platform, as the courier takes it.
    init(_ request: PlatformRequest, timeoutSeconds: Int) {
        self.init(
            method: request.method, url: request.url, headers: request.headers.map { ($0.name, $0.value) },
            body: request.body, timeoutSeconds: timeoutSeconds)
    }
}

extension PlatformAnswer {
    /// What the courier brought.
    init(_ answer: ErrandAnswer) {
        self.init(
            status: answer.status, headers: answer.headers.map { HeaderField($0.name, $0.value) }, body: answer.body)
    }
}
