import Rules
import Synchronization
import Vault

/// Calls that a platform asked to wait with: until when which of its methods, for which installation (platforms, 1.9, 2.9,
/// 4.9: limits are per method and per workspace, tenant or organisation). In memory; a restart forgets it, and the platform
/// says it again.
final class AskedToWait: Sendable {
    struct Key: Hashable, Sendable {
        let app: Int64
        let installation: Int64
        /// Without ids.
        let method: String

        init(_ lease: Lease, _ method: String) {
            app = lease.app
            installation = lease.installation
            self.method = Method.withoutIDs(method)
        }
    }

    /// More are not kept; those that end first are forgotten then.
    private static let most = 4096
    private let until = Mutex<[Key: Int64]>([:])

    /// Notes that the platform wants `key` left alone until then, milliseconds of the boot clock.
    func note(_ key: Key, until moment: Int64, now: Int64) {
        until.withLock { until in
            if until.count >= Self.most { until = until.filter { $0.value > now } }
            if until.count >= Self.most, let first = until.min(by: { $0.value < $1.value }) { until[first.key] = nil }
            until[key] = max(moment, until[key] ?? 0)
        }
    }

    /// Seconds that are left, at least one; nil when nobody asked, or it is over.
    func seconds(_ key: Key, now: Int64) -> Int64? {
        until.withLock { until in
            guard let moment = until[key] else { return nil }
            guard moment > now else {
                until[key] = nil
                return nil
            }
            return (moment - now + 999) / 1000
        }
    }
}
