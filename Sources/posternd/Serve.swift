import Broker
import Errands
import Linux
import Rules
import Server
import Vault

/// Serves until told to stop. Signals are blocked and no thread runs yet; the socket names are removed by the caller.
func serve(_ premises: consuming Premises) throws(Problem) {
    let options = premises.options
    let rootKey = try RootKey.read(premises.rootKey)
    let vault = try Vault.open(VaultDirectory(options.dataDirectory), rootKey: rootKey)
    var settings = Broker.Settings(
        urls: options.platformURLs, publicURL: options.publicURL ?? "", rootKeySource: options.rootKey.description,
        version: Daemon.version, profileURLs: options.profileURLs)
    settings.webhookWindow = options.webhookWindow
    settings.watchersPerService = options.watchLimit
    settings.gatewayBodyLimit = options.gatewayBodyLimit
    let broker = Broker(vault: vault, settings: settings)
    do throws(SystemError) {
        broker.use(
            SpoolFolder(path: VaultDirectory(options.dataDirectory).spool, directory: try premises.spool.duplicate()))
    } catch { throw error.problem(doing: "keep the spool") }
    let starter = premises.starter
    broker.use(
        Courier(
            start: { () throws(Problem) in try starter.startCourier() },
            answer: { request in broker.answer(request) },
            gateway: { call in GatewayDoor(broker).answer(call) }))
    _ = try vault.record(AuditEntry("daemon.start", .allowed, by: .system, request: .next()))
    let server = try PosternServer(
        broker, brokerSocket: try duplicate(premises.broker), adminSocket: try duplicate(premises.admin))
    do { try broker.courier?.begin() } catch {
        Log.warning("courier_not_started", ["code": error.code.rawValue, "reason": error.reason])
    }
    Log.info("serving", ["vault": vault.vaultID, "records": vault.logHead.seq])
    ServiceManager.tell(.ready)
    while StopSignals.next() == .reload {}
    ServiceManager.tell(.stopping)
    Log.info("stopping")
    server.stop()
}

/// The server closes its sockets when it stops accepting; the names stay ours until the end.
private func duplicate(_ listener: borrowing UnixListener) throws(Problem) -> FileDescriptor {
    do { return try listener.descriptor.duplicate() } catch { throw error.problem(doing: "keep \(listener.path)") }
}
