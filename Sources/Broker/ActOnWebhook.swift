import Linux
import Platforms
import Rules
import Sealing
import Synchronization
import Vault

/// Events about the life of installations that were verified and answered, and are still to be acted on.
///
/// Each app has a queue of its own, and one after the other has its turn: nobody's flood keeps others waiting.
final class EventInbox: Sendable {
    struct Event: Sendable {
        let app: App
        let news: News
        /// When it came, milliseconds since 1970.
        let since: Int64
    }

    /// What an event says, without the event.
    enum News: Sendable {
        /// `isWeak` is proven by a token alone.
        case life(Lifecycle, isWeak: Bool)
        /// Apart, so that the secret waits in guarded memory.
        case ticket(SecretBox, at: Int64?, isWeak: Bool)

        init(_ event: Lifecycle, isWeak: Bool) {
            if case .ticket(let text, let at) = event {
                self = .ticket(SecretBox(text), at: at, isWeak: isWeak)
            } else {
                self = .life(event, isWeak: isWeak)
            }
        }
    }

    /// Of one app. Above it the platform's own retries, and the refusal of the dead token, must do.
    static let most = 32
    /// How long it is tried, milliseconds.
    static let longest: Int64 = 60_000

    private struct State {
        var queues: [Int64: [Event]] = [:]
        /// Those that could not be acted on at once.
        var later: [Int64: [Event]] = [:]
        /// The apps that have a queue, whose turn is next first.
        var turns: [Int64] = []

        mutating func append(_ event: Event) {
            if queues[event.app.id] == nil { turns.append(event.app.id) }
            queues[event.app.id, default: []].append(event)
        }
    }

    private let state = Mutex(State())

    /// False when the app has too many. With `later` it waits until `beginRound`.
    func add(_ event: Event, later: Bool = false) -> Bool {
        state.withLock { state in
            let app = event.app.id
            guard (state.queues[app]?.count ?? 0) + (state.later[app]?.count ?? 0) < Self.most else { return false }
            if later { state.later[app, default: []].append(event) } else { state.append(event) }
            return true
        }
    }

    /// Everything there is may be looked at again.
    func beginRound() {
        state.withLock { state in
            let later = state.later
            state.later = [:]
            for event in later.values.joined() { state.append(event) }
        }
    }

    /// The oldest event of the app whose turn it is; nil when none is left.
    func next() -> Event? {
        state.withLock { state in
            guard !state.turns.isEmpty else { return nil }
            let app = state.turns.removeFirst()
            guard let event = state.queues[app]?.removeFirst() else { return nil }
            if state.queues[app]?.isEmpty == true { state.queues[app] = nil } else { state.turns.append(app) }
            return event
        }
    }

    var isEmpty: Bool { state.withLock { $0.queues.isEmpty && $0.later.isEmpty } }
}

extension Broker {
    /// Acts on a verified event soon: its platform may have to be asked, and wants its answer before that.
    func act(on event: [UInt8], of app: App, isWeak: Bool) {
        guard let said = try? dialect(of: app).lifecycle(event) else { return }
        guard inbox.add(.init(app: app, news: .init(said, isWeak: isWeak), since: vault.now)) else {
            drop(app, "too_many")
            return
        }
        startEvents()
    }

    /// Called every second, for those that could not be acted on at once.
    func workEvents() {
        guard !inbox.isEmpty else { return }
        inbox.beginRound()
        startEvents()
    }

    private func startEvents() {
        acting.start("events") {
            while let event = self.inbox.next() {
                do throws(Problem) { _ = try self.handle(event.news, of: event.app) } catch {
                    guard self.vault.now - event.since < EventInbox.longest,
                        self.inbox.add(event, later: true)
                    else {
                        self.drop(event.app, error.code.rawValue)
                        continue
                    }
                }
            }
        }
    }

    /// Nobody will act on it; on the record, within a budget.
    private func drop(_ app: App, _ reason: String) {
        Log.warning("event_dropped", ["app": app.key.description, "code": reason])
        guard budget.admits("app:\(app.id)", "event.drop", by: .system) else { return }
        let entry = AuditEntry(
            "event.drop", .error, by: .system, request: .next(), tenant: slug(of: app.tenant)?.value,
            app: app.key,
            reason: reason)
        do throws(Problem) { _ = try vault.record(entry) } catch {
            Log.warning(
                "event_drop_not_recorded", ["app": app.key.description, "code": error.code.rawValue])
        }
    }
}
