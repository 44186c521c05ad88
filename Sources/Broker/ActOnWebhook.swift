import Linux
import Platforms
import Rules
import Sealing
import Synchronization
import Vault

/// Events about the life of installations that were verified and answered, and are still to be acted on.
final class EventInbox: Sendable {
    struct Event: Sendable {
        let app: App
        let body: [UInt8]
        var attempts = 0
    }

    /// Above it the platform's own retries, and the refusal of the dead token, must do.
    static let most = 1024
    /// One a second, so about a minute.
    static let mostAttempts = 60

    private let waiting = Mutex<[Event]>([])

    /// False when there are too many.
    func add(_ event: Event) -> Bool {
        waiting.withLock { waiting in
            guard waiting.count < Self.most else { return false }
            waiting.append(event)
            return true
        }
    }

    /// All there are, oldest first.
    func take() -> [Event] {
        waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
    }

    var isEmpty: Bool { waiting.withLock { $0.isEmpty } }
}

extension Broker {
    /// Acts on a verified event soon: its platform may have to be asked, and wants its answer before that.
    func act(on event: [UInt8], of app: App) {
        guard inbox.add(.init(app: app, body: event)) else {
            Log.warning("event_dropped", ["app": app.key.description])
            return
        }
        workEvents()
    }

    /// Called every second too, for those that could not be acted on at once.
    func workEvents() {
        guard !inbox.isEmpty else { return }
        acting.start("events") {
            for var event in self.inbox.take() {
                do throws(Problem) { _ = try self.handle(event.body, of: event.app) } catch {
                    event.attempts += 1
                    guard event.attempts < EventInbox.mostAttempts, self.inbox.add(event) else {
                        Log.warning("event_dropped", ["app": event.app.key.description, "code": error.code.rawValue])
                        continue
                    }
                }
            }
        }
    }
}
