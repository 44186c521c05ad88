import Glibc
import Linux
import Rules

/// A program started for a measurement, ended with this value.
final class Child {
    private let process: ChildProcess
    private let lifeline: SocketPair
    private var ended = false

    var pid: Int32 { process.pid }

    /// Its standard input is a socket whose other end closes when we are gone; its output goes to our standard error
    /// or, when quiet, nowhere.
    init(_ arguments: [String], environment: [String]? = nil, quiet: Bool = false) throws {
        lifeline = try SocketPair(.stream)
        let nowhere = try FileDescriptor.open("/dev/null", .write)
        let output = quiet ? nowhere.number : 2
        process = try ChildProcess.start(
            arguments[0], Array(arguments.dropFirst()), environment: environment,
            descriptors: [0: lifeline.far.number, 1: output, 2: output])
    }

    deinit { end(SIGKILL) }

    /// Sends the signal and waits until the program is gone.
    func end(_ signal: Int32 = SIGTERM) {
        guard !ended else { return }
        process.send(signal: signal)
        _ = wait()
    }

    /// Waits for the program's end; nil when it had ended already.
    @discardableResult
    func wait() -> ChildProcess.Ending? {
        guard !ended else { return nil }
        ended = true
        return try? process.wait()
    }

    /// Processor time of all its threads since it began: utime and stime of /proc/PID/stat (proc(5)).
    var processorSeconds: Double? {
        guard let file = try? FileDescriptor.open("/proc/\(pid)/stat", .read),
            let bytes = try? file.readToEnd(atMost: 4096)
        else { return nil }
        // The name before them may hold anything but is the last thing in brackets.
        let fields = String(decoding: bytes, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        return (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Resident memory in MB: VmRSS of /proc/PID/status.
    var residentMegabytes: Double? { resident(pid) }
}

/// Runs a command of the shell; throws when it fails.
func shell(_ command: String) throws {
    guard try Child(["/bin/sh", "-c", command]).wait() == .exited(0) else {
        throw Problem(.internal, "\(command) failed")
    }
}

/// Reads until the other end of standard input is closed: the life of a child of ours.
func waitForEndOfInput() {
    var byte: UInt8 = 0
    while unsafe read(0, &byte, 1) > 0 {}
}

/// VmRSS of a process in MB, nil when it is gone.
func resident(_ pid: Int32) -> Double? {
    guard let file = try? FileDescriptor.open("/proc/\(pid)/status", .read),
        let bytes = try? file.readToEnd(atMost: 65536)
    else { return nil }
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("VmRSS:") {
        return line.split(separator: " ").compactMap { Double($0) }.first.map { $0 / 1024 }
    }
    return nil
}
