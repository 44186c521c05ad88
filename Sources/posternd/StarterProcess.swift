import Linux
import Rules

/// What runs in the starter: waits for orders, forks and executes couriers, ends when the keeper goes away.
struct StarterProcess {
    /// The one order there is; the courier's control end comes with it. The reply is its pid, or why there is none.
    static let order = "start"

    private static let controlNumber: Int32 = 3
    private static let spoolNumber: Int32 = 4
    private static let programNumber: Int32 = 5
    private static let gatewayNumber: Int32 = 6
    /// A courier that has a refresh under way ends when its answer is home; longer than any errand takes.
    private static let courierSeconds: Int64 = 45

    let control: Int32
    /// The directory couriers put answers aside in.
    let spool: Int32
    /// postern-courier, opened before privileges were dropped, so that its directory need not be open to its user; -1
    /// where it is missing.
    let program: Int32
    /// The gateway's listening socket; -1 where there is none. Held here so that the port is nobody else's between two
    /// couriers.
    let gateway: Int32
    let user: Account?
    let arguments: [String]

    /// What a courier needs to know of the environment: nothing about keys or directories.
    private static let environment: Set<String> = [
        "PATH", "LANG", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "GLIBC_TUNABLES", "SWIFT_BACKTRACE",
    ]

    /// Returns the exit code.
    func run() -> Int32 {
        do {
            try isolate()
            try serve(FileDescriptor(owning: Self.controlNumber))
            waitForCouriers()
            return 0
        } catch let problem as Problem {
            Log.error("starter_failed", ["reason": problem.reason])
        } catch {
            Log.error("starter_failed", ["reason": "\(error)"])
        }
        return 1
    }

    private func isolate() throws {
        var numbers = [control, spool]
        if program >= 0 { numbers.append(program) }
        if program >= 0, gateway >= 0 { numbers.append(gateway) }
        try ForkedChild.keepDescriptors(numbers, inherited: 0)
        ForkedChild.leaveSession()
        StopSignals.ignore()
        if let user { try Privileges.become(user) } else { try Privileges.keepOnly([]) }
        try Hardening.harden()
        Program.rename("postern-starter")
    }

    private func serve(_ control: consuming FileDescriptor) throws {
        let children = try ChildSignal()
        while true {
            try children.wait(for: control) { child, ending in
                Log.warning("courier_ended", ["pid": child.pid, "how": ending])
            }
            guard var message = try control.receiveMessage(until: .never) else { return }
            guard message.text == Self.order, let end = message.takeDescriptor() else { continue }
            let reply = start(end)
            try control.sendMessage(Array(reply.utf8), until: .after(seconds: 10))
        }
    }

    /// The keeper is gone: couriers end by themselves, at once or when what must not be lost is put aside. They would end
    /// with us, so we stay as long.
    private func waitForCouriers() {
        let deadline = Deadline.after(seconds: Self.courierSeconds)
        while !deadline.hasPassed, ChildProcess.hasAny {
            while ChildProcess.reap() != nil {}
            Clock.sleep(microseconds: 20_000)
        }
    }

    private func start(_ end: consuming FileDescriptor) -> String {
        guard program >= 0 else { return "it is not there" }
        let number = end.number
        let parent = ForkedChild.ownPID
        do {
            let child = try ChildProcess.fork { becomeCourier(control: number, parent: parent) }
            Log.info("courier_started", ["pid": child.pid])
            return "\(child.pid)"
        } catch {
            return "\(error)"
        }
    }

    /// In the child; returns only where it cannot.
    private func becomeCourier(control: Int32, parent: Int32) -> Int32 {
        do throws(SystemError) {
            ForkedChild.dieWith(parent: parent)
            let passed = [control, Self.spoolNumber] + (gateway < 0 ? [] : [Self.gatewayNumber])
            try ForkedChild.keepDescriptors(passed + [Self.programNumber], inherited: passed.count)
            StopSignals.restore()
            ChildSignal.unblock()
            let kept = Environment.all.filter { entry in
                Self.environment.contains(String(entry.prefix { $0 != "=" }))
            }
            throw ForkedChild.execute(
                descriptor: Int32(3 + passed.count), arguments: ["postern-courier"] + arguments, environment: kept)
        } catch {
            Log.error("courier_not_started", ["reason": error])
        }
        return 127
    }
}
