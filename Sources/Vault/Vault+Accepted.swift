import Rules
import SQLite
import Sealing

/// A version of a secret that what comes from outside may be made with: the current one, or the one before while its
/// grace lasts.
package struct AcceptedSecret: Sendable {
    package let version: Int64
    package let fingerprint: Fingerprint
    /// Where in the slab the value lies.
    package let place: Range<Int>
}

extension Vault {
    /// Opens at the end of `slab` all versions of an app's own secret that are accepted at `now` (milliseconds since
    /// 1970), the current one first; none where there is no such secret.
    func accepted(
        _ secret: SecretName, at now: Int64, into slab: Slab, _ reader: Reader
    ) throws(Problem) -> [AcceptedSecret] {
        var found: [AcceptedSecret] = []
        for row in try reader.versionsInForce(of: secret) {
            let start = slab.count
            guard row.head.state(of: row.version.version, at: now) != nil, try open(row, reader, into: slab) else {
                continue
            }
            found.append(
                AcceptedSecret(
                    version: row.version.version, fingerprint: row.version.fingerprint, place: start..<slab.count))
        }
        return found
    }
}
