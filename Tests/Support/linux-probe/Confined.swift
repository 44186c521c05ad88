import Glibc
import Intruder
import Linux

/// Confines itself like a courier and tries what an intruder in one would.
///
/// Arguments: a file it must not read, a Unix socket, a process to trace.
func tryConfined(_ arguments: [String]) throws {
    let before = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let report = try Confinement.confineCourier()
    say("landlock \(report.landlock)")
    unsafe intruder_try(arguments[0], arguments[1], Int32(arguments[2])!, before)
}
