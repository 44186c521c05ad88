/// How many live leases each service has, for the cap on them. Used by the writer alone, so that two who ask at once
/// cannot both be the last.
///
/// A service is counted from the file when it first asks after a start; from then on it is kept in step, by the second
/// in which its leases end.
final class LeaseCounts {
    private struct Count {
        var ends: [Int64: Int64] = [:]
        var live: Int64 = 0
        var sweptUntil: Int64 = .min

        mutating func add(_ leases: Int64, endingAt second: Int64) {
            // Nothing is taken from what has been swept away already.
            guard second >= sweptUntil else { return }
            live += leases
            let left = (ends[second] ?? 0) + leases
            ends[second] = left == 0 ? nil : left
        }

        mutating func sweep(until now: Int64) {
            guard now > sweptUntil else { return }
            sweptUntil = now
            for (second, leases) in ends where second < now {
                live -= leases
                ends[second] = nil
            }
        }
    }

    private var services: [Int64: Count] = [:]
    /// Whether the request under way has changed anything here.
    private var hasChanged = false

    /// The live leases of a service at `now` (milliseconds); nil where it is not counted yet.
    func live(of service: Int64, at now: Int64) -> Int64? {
        guard var count = services[service] else { return nil }
        count.sweep(until: now / 1000)
        services[service] = count
        return count.live
    }

    /// Milliseconds from `now` until the next of a service's leases ends; nil where it has none.
    func nextEnd(of service: Int64, after now: Int64) -> Int64? {
        services[service]?.ends.keys.min().map { max(0, ($0 + 1) * 1000 - now) }
    }

    /// Takes over what was counted in the file: when each of the service's live leases ends.
    func count(_ service: Int64, ends: [Int64], at now: Int64) {
        var count = Count()
        count.sweep(until: now / 1000)
        for end in ends { count.add(1, endingAt: end / 1000) }
        services[service] = count
    }

    /// A lease of a service was given, ending at `end` (milliseconds).
    func add(_ service: Int64, endingAt end: Int64) { change(service, by: 1, at: end) }

    /// A lease of a service that was to end at `end` does so no more.
    func remove(_ service: Int64, endingAt end: Int64) { change(service, by: -1, at: end) }

    private func change(_ service: Int64, by leases: Int64, at end: Int64) {
        hasChanged = true
        services[service]?.add(leases, endingAt: end / 1000)
    }

    /// Many leases have ended at once: whoever asks next is counted in the file.
    func forget() {
        hasChanged = true
        services = [:]
    }

    /// A request begins, or what the one before changed stays.
    func keep() { hasChanged = false }

    /// The request failed: what it changed is not true.
    func takeBack() { if hasChanged { services = [:] } }
}
