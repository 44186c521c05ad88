import Glibc
import HTTPServer
import Linux
import Rules

/// The program from its options to its end.
enum Simulation {
    /// Returns what to exit with.
    static func run(_ arguments: [String]) -> Int32 {
        do throws(Problem) {
            let options = try Options(arguments)
            if options.help {
                print(Options.usage)
                return 0
            }
            try serve(options)
            return 0
        } catch {
            say("postern-sim: \(error.reason)\(error.advice.isEmpty ? "" : "; \(error.advice)")\n", on: 2)
            return error.code.exitCode
        }
    }

    private static func serve(_ options: Options) throws(Problem) {
        StopSignals.block()
        let simulator = Simulator(seed: options.seed, root: options.root) { milliseconds in
            Signal().wait(until: .after(milliseconds: milliseconds))
        }
        for path in options.apps { try register(path, simulator) }
        let socket = try FileDescriptor.listen(at: options.listen)
        guard let port = socket.boundPort else { throw Problem(.badRequest, "--listen takes HOST:PORT") }
        let host: String
        switch options.listen {
        case .ipv6Loopback: host = "[::1]"
        case let address: host = address.description.split(separator: ":").first.map(String.init) ?? "127.0.0.1"
        }
        let server = try Serve.start(simulator, on: socket)
        say(
            String(decoding: JSON.object(["listening": .string("http://\(host):\(port)")]).bytes, as: UTF8.self) + "\n",
            on: 1)
        if options.endsWithInput { try endWithInput() }
        while StopSignals.next() == .reload {}
        _ = server.stop(within: 1000)
    }

    private static func endWithInput() throws(Problem) {
        do throws(SystemError) {
            try Thread.start(name: "stdin") {
                let input = FileDescriptor(owning: 0)
                var byte: [UInt8] = [0]
                var span = byte.mutableSpan
                while let got = try? input.read(into: &span), got > 0 {}
                exit(0)
            }
        } catch {
            throw error.problem(doing: "start a thread")
        }
    }

    private static func register(_ path: String, _ simulator: Simulator) throws(Problem) {
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try FileDescriptor.open(path, .read).readToEnd(atMost: 1 << 20)
        } catch {
            throw error.problem(.badRequest, doing: "read \(path)")
        }
        let body = JSON(bytes: bytes)
        var apps: [JSON] = body.map { [$0] } ?? []
        if case .array(let several)? = body?["apps"] { apps = several }
        for app in apps where simulator.register(app) == nil { apps = [] }
        guard !apps.isEmpty else {
            throw Problem(.badRequest, "\(path) describes no app", advice: "see postern-sim --help")
        }
    }

    /// At once, whatever standard output is.
    private static func say(_ text: String, on number: Int32) {
        // Lent: standard output and error stay open.
        let output = FileDescriptor(owning: number)
        try? output.write([UInt8](text.utf8))
        _ = output.release()
    }
}
