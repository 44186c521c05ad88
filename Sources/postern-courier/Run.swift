import Errands
import HTTPClient
import HTTPServer
import Linux
import Rules

/// The life of a courier. The order is the promise: nothing of the network is touched before the process has locked
/// itself in, and threads start only after that, since Landlock holds for threads made later.
func run(_ options: Options) throws(Problem) {
    try Scrubbing.reexecute()
    Program.closeDescriptors(from: options.gateway != .off ? 6 : options.hasSpool ? 5 : 4)
    try Hardening.harden()
    Hardening.raiseDescriptorLimit(to: 16_384)
    // Whoever stops the service stops the keeper; we end with it, when its last errand is home. SIGKILL still works.
    StopSignals.block()

    let keeper = Keeper(control: FileDescriptor(owning: 3))
    var callback: String?
    var listening: FileDescriptor?
    if options.callbacks != .off {
        let socket = try FileDescriptor.listen(at: options.callbacks, unixMode: 0o666)
        callback = socket.address(asked: options.callbacks).description
        listening = consume socket
    }
    let directory = options.hasSpool ? FileDescriptor(owning: 4) : nil
    let door = try GatewaySocket.taken(for: options.gateway)
    let confinement = try Confinement.confineCourier(spool: directory)
    let spool = Spool(directory)

    let certificates = Environment.value(of: "SSL_CERT_FILE")
    let client = HTTPClient(keeping: 4, reusing: false, certificates: certificates)
    let carrier = Carrier(client: client, spool: spool)
    let passages = PassageCarrier(certificates: certificates)
    var warnings = confinement.warning.map { [$0] } ?? []
    var gateway: String?
    var gatewaySocket: FileDescriptor?
    switch consume door {
    case .off: break
    case .useless(let why): warnings.append(why)
    case .listening(let socket, let address):
        gateway = address
        gatewaySocket = consume socket
    }
    // Before anybody is let in: who has waited asks at once, and the keeper hears nobody who has not said this first.
    let report = CourierReport(
        callback: callback, gateway: gateway, landlock: Int(confinement.landlock), seccomp: true, warnings: warnings)
    try keeper.report(report)
    var server: HTTPServer?
    if let socket = listening.take() {
        let listener = CallbackListener(keeper: keeper)
        server = try HTTPServer(listening: socket, limits: CallbackListener.limits, service: listener.service)
    }
    var gatewayServer: HTTPServer?
    if let socket = gatewaySocket.take(), let address = gateway {
        let listener = GatewayListener(keeper: keeper, host: address)
        gatewayServer = try HTTPServer(listening: socket, limits: GatewayListener.limits, service: listener.service)
    }
    Log.info("courier_ready", ["callback": report.callback ?? "off", "gateway": report.gateway ?? "off"])
    try keeper.serve({ stream in carrier.carry(stream) }, { stream in passages.serve(stream) })
    // The next courier wants to listen there.
    _ = server?.stop(within: 0)
    _ = gatewayServer?.stop(within: 0)
    spool.finish()
}
