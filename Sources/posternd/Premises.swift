import Linux
import Rules

/// All the keeper holds before it serves: nothing of it can be had later, and none of it is a key yet.
struct Premises: ~Copyable {
    let options: Options
    let identity: Identity
    /// Held until the end: one process per vault.
    var lock: LockFile
    var broker: UnixListener
    var admin: UnixListener
    /// Open and checked, not read.
    var rootKey: FileDescriptor
    let starter: Starter
    /// Where couriers put answers aside; shared with them.
    var spool: FileDescriptor

    /// The order is the promise (design, section 2). What needs root comes first: the run directory and the root key's
    /// descriptor. The starter is forked while there is no key in memory it could inherit, no lock, no socket and no
    /// thread. Everything else is opened as the user who serves.
    static func enter(_ options: Options) throws(Problem) -> Premises {
        let identity = try Identity(options)
        Hardening.raiseDescriptorLimit(to: 16_384)
        try Hardening.harden()
        try Directories.prepare(options, for: identity)
        let rootKey = try options.rootKey.open(for: identity.keeper.uid, asRoot: identity.startedAsRoot)
        StopSignals.block()
        let spool = try openSpool(options)
        let starter = try Starter.fork(
            as: identity.courier, spool: spool.number, gateway: try openGateway(options),
            arguments: courierArguments(options))
        if identity.startedAsRoot {
            try Privileges.become(identity.keeper)
            try Hardening.harden()
        } else {
            do { try Privileges.keepOnly([.sysPtrace]) } catch { throw error.problem(doing: "give up capabilities") }
        }
        let lock = try LockFile(path: options.vaultDirectory + "/vault.lock")
        let broker = try UnixListener(path: options.brokerSocket, mode: 0o666)
        let admin = try UnixListener(path: options.adminSocket, mode: 0o666)
        return Premises(
            options: options, identity: identity, lock: lock, broker: broker, admin: admin, rootKey: rootKey,
            starter: starter, spool: spool)
    }

    private static func openSpool(_ options: Options) throws(Problem) -> FileDescriptor {
        let path = options.vaultDirectory + "/spool"
        do { return try Directory.open(path) } catch { throw error.problem(doing: "open \(path)") }
    }

    /// The gateway's listening socket, for the starter alone: it is closed here before there is a key.
    private static func openGateway(_ options: Options) throws(Problem) -> FileDescriptor? {
        guard options.gatewayListen != .off else { return nil }
        let socket = try FileDescriptor.listen(at: options.gatewayListen)
        // Any port, then exactly that one: only a port that was asked for stays ours when a courier shuts the socket
        // down.
        let address = socket.address(asked: options.gatewayListen)
        guard address != options.gatewayListen else { return socket }
        _ = consume socket
        return try FileDescriptor.listen(at: address)
    }

    private static func courierArguments(_ options: Options) -> [String] {
        [
            "--callback-listen", options.callbackListen.description, "--gateway-listen",
            options.gatewayListen.description, "--spool",
        ]
    }
}
