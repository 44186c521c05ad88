import Linux
import Rules

/// The directories the daemon needs, looked at before anything is opened in them.
enum Directories {
    /// The vault's must exist and be its user's alone: `postern init` made it. The one for sockets is made here.
    static func prepare(_ options: Options, for identity: Identity) throws(Problem) {
        try checkVault(options, identity.keeper)
        do throws(SystemError) {
            if try FileStatus.of(options.runDirectory) == nil {
                try Directory.make(options.runDirectory, mode: 0o755)
                if identity.startedAsRoot {
                    try Directory.give(options.runDirectory, uid: identity.keeper.uid, gid: identity.keeper.gid)
                }
            }
            try prepareSpool(options.vaultDirectory + "/spool", identity)
        } catch {
            throw error.problem(
                doing: "make \(options.runDirectory)", advice: "make it and chown it to \(identity.keeper.name)")
        }
    }

    /// Where couriers put answers aside: a courier of another user may make files in it and do nothing else there.
    private static func prepareSpool(_ path: String, _ identity: Identity) throws(SystemError) {
        try Directory.make(path, mode: 0o700)
        guard let courier = identity.courier else { return }
        try Directory.give(path, uid: identity.keeper.uid, gid: courier.gid)
        try Directory.setMode(path, 0o730)
    }

    private static func checkVault(_ options: Options, _ keeper: Account) throws(Problem) {
        let path = options.vaultDirectory
        let status: FileStatus?
        do { status = try FileStatus.of(path) } catch { throw error.problem(doing: "look at \(path)") }
        guard let status, status.kind == .directory else {
            throw Problem(
                .notFound, "there is no vault in \(options.dataDirectory)",
                advice: "postern init --data-dir \(options.dataDirectory) --root-key \(options.rootKey) --kit-file FILE"
            )
        }
        guard status.uid == keeper.uid else {
            throw Problem(
                .denied, "\(path) belongs to uid \(status.uid), not to \(keeper.name)",
                advice: "start posternd with the user that owns it, or chown -R \(keeper.name) \(path)")
        }
        guard status.mode & 0o077 == 0 else {
            throw Problem(.denied, "others may enter \(path)", advice: "chmod 700 \(path)")
        }
    }
}
