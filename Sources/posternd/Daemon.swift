import Linux
import Rules

/// From the command line to the end.
enum Daemon {
    static let version = "0.1.0"

    /// Returns the exit code.
    static func run(_ arguments: [String]) -> Int32 {
        if arguments.contains("--help") || arguments.contains("-h") {
            return say(Options.help)
        }
        if arguments.contains("--version") { return say("posternd \(version)\n") }
        do throws(Problem) {
            try Scrubbing.reexecute()
            let settings = try Settings(arguments: arguments, environment: Environment.value, read: configuration)
            let options = try Options(settings, environment: Environment.value)
            Log.setLevel(options.logLevel)
            let premises = try Premises.enter(options)
            Log.info(
                "starting",
                [
                    "version": version, "user": premises.identity.keeper.name, "data_dir": options.dataDirectory,
                    "broker": options.brokerSocket, "admin": options.adminSocket,
                ])
            defer {
                UnixListener.remove(options.brokerSocket)
                UnixListener.remove(options.adminSocket)
            }
            try serve(premises)
            Log.info("stopped")
            return 0
        } catch {
            Log.error("failed", ["code": error.code.rawValue, "reason": error.reason, "advice": error.advice])
            return error.code.exitCode
        }
    }

    private static func configuration(_ path: String) throws(Problem) -> String {
        do {
            return String(decoding: try FileDescriptor.open(path, .read).readToEnd(atMost: 1 << 20), as: UTF8.self)
        } catch {
            throw error.problem(.badRequest, doing: "read \(path)", advice: "check --config")
        }
    }

    private static func say(_ text: String) -> Int32 {
        do { try FileDescriptor.standardOutput().write(Array(text.utf8)) } catch { return 1 }
        return 0
    }
}
