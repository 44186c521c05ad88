import CDurabilityVFS
import Synchronization

/// A disk of its own for one test: it can lose what was not synced, fail, and be full (see durability.h).
@safe package final class Disk: Sendable {
    /// Which of the sectors not synced a power cut loses.
    package enum Loss: Sendable {
        case all
        /// About half of them, by this seed: pages are torn and writes come out of order.
        case some(seed: UInt64)
    }

    /// The name to open connections with: `Connection(path, .create, vfs: disk.name)`.
    package let name: String
    private nonisolated(unsafe) let disk: OpaquePointer

    private static let made = Atomic(0)

    package init() {
        name = "disk-\(Self.made.add(1, ordering: .relaxed).newValue)"
        unsafe disk = durability_new(name)
    }

    /// Everything not synced is lost, and every connection is useless from now on.
    package func cutPower(losing loss: Loss) {
        let (how, seed) = loss.arguments
        unsafe durability_cut_power(disk, how, seed)
    }

    /// The same in the middle of something, before its n-th write, sync or truncation from now; 0 is never.
    package func cutPower(atOperation count: Int, losing loss: Loss) {
        let (how, seed) = loss.arguments
        unsafe durability_cut_power_at(disk, count, how, seed)
    }

    /// To be called when every connection is gone.
    package func restorePower() { unsafe durability_restore_power(disk) }

    package var hasPower: Bool { unsafe durability_has_power(disk) != 0 }

    /// The n-th write from now is an I/O error, and all after it when `lasting`; 0 ends it.
    package func failWrite(_ count: Int, lasting: Bool = false) {
        unsafe durability_fail_write(disk, count, lasting ? 1 : 0)
    }

    /// The n-th sync from now is an I/O error, and all after it when `lasting`; 0 ends it.
    package func failSync(_ count: Int, lasting: Bool = false) {
        unsafe durability_fail_sync(disk, count, lasting ? 1 : 0)
    }

    /// How many bytes the files may still grow; nil is without a limit.
    package func setSpace(_ bytes: Int64?) { unsafe durability_set_space(disk, bytes ?? -1) }

    package var writes: Int { unsafe durability_writes(disk) }
    package var syncs: Int { unsafe durability_syncs(disk) }
}

extension Disk.Loss {
    fileprivate var arguments: (Int32, UInt64) {
        switch self {
        case .all: (Int32(DURABILITY_LOSE_ALL), 0)
        case .some(let seed): (Int32(DURABILITY_LOSE_SOME), seed)
        }
    }
}
