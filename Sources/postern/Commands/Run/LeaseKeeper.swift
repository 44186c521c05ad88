import Linux
import Rules
import Synchronization

/// Which access is meant by `access:` and `gateway:`; both of one name are of one lease.
struct AccessReference: Sendable, Hashable, CustomStringConvertible {
    let app: AppKey
    let leg: Leg
    var installation: Int64?

    var description: String { "\(app):access:\(leg.rawValue)" + (installation.map { "@\($0)" } ?? "") }
}

/// The leases a program starts with, as the process has them that becomes the program.
final class LeasesOfProgram {
    private let session: Session
    private let plan: RunPlan
    private var answers: [AccessReference: JSON] = [:]

    init(_ session: Session, _ plan: RunPlan) {
        self.session = session
        self.plan = plan
    }

    /// Asks for one, for use over TCP, where there is none of this name yet.
    func add(_ access: AccessReference) throws(Failure) {
        guard answers[access] == nil else { return }
        var ask: [String: JSON] = ["as": .string(access.leg.rawValue), "deliver": "tcp"]
        ask["installation"] = access.installation.map { .int($0) }
        ask["ttl"] = plan.ttl.map { .int($0) }
        if !plan.methods.isEmpty { ask["methods"] = JSON(texts: plan.methods) }
        do { answers[access] = try session.broker.post("apps/\(access.app)/access", .object(ask)) } catch {
            throw error.about("access:\(access.leg.rawValue) of \(access.app)")
        }
    }

    func bearer(_ access: AccessReference) -> String { answers[access]?["access_token"]?.text ?? "" }
    func gateway(_ access: AccessReference) -> String { answers[access]?["gateway"]?.text ?? "" }

    /// For the keeper: no bearers.
    var shown: String {
        answers.values.map { answer in
            "\(Show.cell(answer["lease_id"]))=\(plan.ttl ?? max(1, answer["expires_in"]?.int ?? 1))"
        }.sorted().joined(separator: " ")
    }

    /// Ends them, when no program gets them.
    func giveBack() {
        for answer in answers.values { session.giveBack(lease: Show.cell(answer["lease_id"])) }
        answers = [:]
    }
}

/// Renews the leases of a program while it runs, on a thread of its own, and gives them back once it has ended. It knows
/// their ids, which open nothing over TCP; the bearers are the program's alone.
final class LeaseKeeper: Sendable {
    private struct Held {
        let id: String
        /// Seconds it is to live each time.
        let ttl: Int64
        var renewAt: Deadline

        static func all(in leases: String) -> [Held] {
            leases.split(separator: " ").compactMap { text in
                let parts = text.split(separator: "=")
                guard parts.count == 2, let ttl = Int64(parts[1]) else { return nil }
                return Held(id: String(parts[0]), ttl: ttl, renewAt: .after(milliseconds: ttl * 500))
            }
        }
    }

    private struct State {
        var held: [Held] = []
        /// Those of programs that have ended.
        var over: [String] = []
        var trouble = ""

        mutating func takeOver() -> [String] {
            defer { over = [] }
            return over
        }
    }

    private let session: Session
    private let news: News
    private let state = Mutex(State())
    private let wake = Signal()

    /// Why a lease cannot be kept.
    var trouble: String { state.withLock { $0.trouble } }

    init(_ session: Session, _ news: News) {
        self.session = session
        self.news = news
    }

    func start() throws(Failure) {
        try attempt("start a thread") { () throws(SystemError) in
            _ = try Thread.start(name: "leases") { [self] in keep() }
        }
    }

    /// From here on these are the program's, `id=seconds` each; all others are given back.
    func take(_ leases: String) {
        state.withLock { state in
            // Those of a candidate that has waited are known, and when each is to be renewed.
            let new = Held.all(in: leases).map { new in state.held.first { $0.id == new.id } ?? new }
            state.over += state.held.map(\.id).filter { id in !new.contains { $0.id == id } }
            state.held = new
        }
        wake.raise()
    }

    /// Renews these too: those of a candidate that waits for the program to end.
    func keepAlso(_ leases: String) {
        state.withLock { $0.held += Held.all(in: leases) }
        wake.raise()
    }

    /// The program has ended, and so has all of this. Not left to the thread, which would end in the middle of it.
    func end() {
        let ids = state.withLock { state in
            state.over += state.held.map(\.id)
            state.held = []
            return state.takeOver()
        }
        for id in ids { session.giveBack(lease: id) }
    }

    private func keep() {
        while true {
            let (over, held) = state.withLock { ($0.takeOver(), $0.held) }
            for id in over { session.giveBack(lease: id) }
            for lease in held where lease.renewAt.hasPassed {
                let next = renew(lease)
                state.withLock { state in
                    guard let index = state.held.firstIndex(where: { $0.id == lease.id }) else { return }
                    state.held[index].renewAt = next
                }
            }
            let next = state.withLock { $0.held.map(\.renewAt.nanoseconds).min() }
            wake.wait(until: next.map { Deadline(nanoseconds: $0) } ?? .never)
        }
    }

    /// Returns when it is the next time; never where it is of no use. Never inlined, as `Listening.once`.
    @inline(never)
    private func renew(_ lease: Held) -> Deadline {
        do {
            let answer = try session.broker.post("leases/\(lease.id)/renew", ["ttl": .int(lease.ttl)])
            let left = answer["expires_in"]?.int ?? 0
            // It comes to the age that its grant sets; the answer's seconds are whole ones.
            guard (left + 1) * 4 >= lease.ttl * 3 else {
                return lost("it ends in \(Show.duration(left)), and is as old then as its grant lets it be")
            }
            return .after(milliseconds: lease.ttl * 500)
        } catch {
            guard ["denied", "expired", "not_found", "bad_request"].contains(error.code) else {
                return .after(milliseconds: max(500, min(lease.ttl * 100, 10_000)))
            }
            return lost(error.what)
        }
    }

    private func lost(_ why: String) -> Deadline {
        state.withLock { $0.trouble = why }
        news.say(.ending)
        return .never
    }
}

extension Session {
    /// Where nobody answers it ends by itself.
    @inline(never)
    fileprivate func giveBack(lease id: String) {
        let soon = Admin(socket: settings.brokerSocket, timeoutSeconds: min(5, settings.timeoutSeconds), door: .broker)
        _ = try? soon.delete("leases/\(id)")
    }
}
