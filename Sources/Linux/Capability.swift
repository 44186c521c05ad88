import CLinux

/// The capabilities this house names (capabilities(7)).
package enum Capability: UInt64, Sendable {
    case sysPtrace = 19

    var bit: UInt64 { 1 << rawValue }

    /// Whether this process can use it now.
    package var isEffective: Bool { Capabilities.current.effective & bit != 0 }
}

/// The capability sets of this thread.
struct Capabilities: Equatable {
    var effective: UInt64 = 0
    var permitted: UInt64 = 0
    var inheritable: UInt64 = 0

    static var current: Capabilities {
        var sets = Capabilities()
        guard unsafe clinux_capabilities(&sets.effective, &sets.permitted, &sets.inheritable) == 0 else {
            return Capabilities()
        }
        return sets
    }

    func set() throws(SystemError) {
        guard clinux_set_capabilities(effective, permitted, inheritable) == 0 else { throw SystemError("capset") }
    }
}
