import Linux
import Rules
import Sealing
import Vault

let initCommand = Command(
    name: "init", summary: "makes a vault, its root key and its recovery kit",
    details: [
        "Makes three things. The vault, in --data-dir. The root key, which the daemon reads at start; a file that is "
            + "there already is used. The recovery kit, which opens the vault when the root key is lost: it is proven to "
            + "work before anything goes into the vault.",
        "With --kit-file the kit is written there and read back; move it off this machine afterwards. Without it the kit "
            + "is shown once, and you enter it again.",
        "Started as root the files are made for --user, as whom posternd will run.",
    ],
    options: [
        Option(
            name: "root-key", value: "file:PATH", help: "the root key: 32 bytes, or 64 hex digits; mode 0600",
            required: true),
        Option(name: "kit-file", value: "FILE", help: "where to write the recovery kit", values: .file),
        Option(name: "user", value: "NAME", help: "whom posternd runs as, when you are root [postern]"),
        Option(name: "admin", value: "uid:N", help: "who administers besides root [you]"),
    ],
    examples: [
        Example("For a try, as yourself", "postern init --root-key file:root.key --kit-file kit.txt"),
        Example(
            "For a server, as root",
            "postern init --data-dir /var/lib/postern --root-key file:/etc/postern/root.key "
                + "--kit-file /root/kit.txt --user postern --admin uid:1000"),
    ],
    exits: [(6, "there is a vault already")], run: initialize)

private let initialize: Command.Run = { session, invocation throws(Failure) in
    let plan = try Foundation(session, invocation)
    if session.settings.check {
        return try session.change { () throws(Failure) in
            plan.sentences
        } _: { () throws(Failure) in
        }
    }
    do {
        let kit = try RecoveryKit.make(session, file: invocation.text("kit-file"))
        do throws(Failure) {
            try plan.lay(kit: kit)
        } catch {
            kit.takeBack()
            throw error
        }
        plan.report(session, kit)
    } catch let failure as Failure {
        throw failure
    } catch {
        throw Failure.error("the vault could not be made")
    }
    return .ok
}

/// What `init` is about to make, checked before anything is written.
struct Foundation {
    let directory: VaultDirectory
    let rootKeyPath: String
    let rootKeyExists: Bool
    /// Whose the files will be; nil when they stay ours.
    let owner: Account?
    let admin: Selector?

    init(_ session: Session, _ invocation: Invocation) throws(Failure) {
        directory = VaultDirectory(session.settings.dataDirectory)
        let source = invocation.text("root-key") ?? ""
        guard source.hasPrefix("file:"), source.utf8.count > 5 else {
            throw Failure.usage(
                "--root-key takes file:PATH here",
                next: "for a systemd credential: init with a file, then encrypt it with systemd-creds and remove it")
        }
        rootKeyPath = String(source.dropFirst(5))
        owner = try Foundation.owner(invocation.text("user"))
        admin = try Foundation.admin(invocation.text("admin"), session.environment)
        do {
            guard try !directory.hasVault() else {
                throw Failure(
                    exit: Exit(6), code: "conflict", what: "there is a vault in \(directory.path.shown) already",
                    next: "choose another --data-dir")
            }
        } catch let failure as Failure {
            throw failure
        } catch let problem as Problem {
            throw Failure(problem)
        } catch {
            throw Failure.error("\(directory.path.shown) cannot be looked at")
        }
        do { rootKeyExists = try FileStatus.of(rootKeyPath) != nil } catch {
            throw Failure(error.problem(doing: "look at \(rootKeyPath.shown)"))
        }
    }

    /// posternd never serves as root, so root has to say for whom the files are.
    private static func owner(_ name: String?) throws(Failure) -> Account? {
        guard Privileges.isRoot else {
            if let name, Accounts.account(nameOrNumber: name)?.uid != Privileges.uid {
                throw Failure.usage("--user \(name.shown): only root can make files for another user")
            }
            return nil
        }
        let wanted = name ?? "postern"
        guard let account = Accounts.account(nameOrNumber: wanted), account.uid != 0 else {
            throw Failure.usage(
                name == nil
                    ? "posternd never serves as root, and there is no user postern to make the vault for"
                    : "--user: there is no user \(wanted.shown), or it is root",
                next: "useradd --system --no-create-home --shell /usr/sbin/nologin postern, or name another with --user"
            )
        }
        return account
    }

    private static func admin(_ text: String?, _ environment: [String: String]) throws(Failure) -> Selector? {
        if let text {
            switch Selector(text) {
            case .uid(let uid)?: return .uid(uid)
            case .user(let name)?: return .user(name)
            default: throw Failure.usage("--admin takes uid:N or user:NAME", next: "for example --admin uid:1000")
            }
        }
        if !Privileges.isRoot { return .uid(Privileges.uid) }
        return environment["SUDO_UID"].flatMap { UInt32($0) }.map { .uid($0) }
    }

    var sentences: Plan {
        Plan(
            changes: [
                "make a vault in \(directory.path)",
                rootKeyExists ? "use the root key in \(rootKeyPath)" : "make a root key in \(rootKeyPath)",
                "make a recovery kit",
            ], affected: owner.map { ["the files will belong to \($0.name)"] } ?? [])
    }

    /// Makes the root key, where there is none, and the vault; then proves the kit on what was really stored.
    func lay(kit: RecoveryKit) throws(Failure) {
        let root = try RootKeyFile.obtain(rootKeyPath, exists: rootKeyExists, for: owner)
        do throws(Problem) {
            let sealed = try VaultCreation.create(
                directory, rootKey: root.secret, kitPublicKey: kit.publicKey,
                admin: admin.map { VaultCreation.Admin(selector: $0) })
            guard kit.opens(sealed) else {
                throw Problem(.integrityFailure, "the recovery kit does not open the vault's key")
            }
            if let owner { try handOver(to: owner) }
        } catch {
            throw Failure(error)
        }
    }

    /// Everything below the state directory belongs to the daemon's user.
    private func handOver(to account: Account) throws(Problem) {
        do throws(SystemError) {
            for path in DirectoryTree.paths(below: directory.path) {
                try Directory.give(path, uid: account.uid, gid: account.gid)
            }
            try Directory.give(directory.path, uid: account.uid, gid: account.gid)
        } catch {
            throw error.problem(doing: "give \(directory.path) to \(account.name)")
        }
    }

    func report(_ session: Session, _ kit: RecoveryKit) {
        let start =
            "posternd --data-dir \(directory.path) --root-key file:\(rootKeyPath)"
            + (owner.map { " --user \($0.name)" } ?? "")
        let answer: JSON = [
            "schema": 1, "data_dir": .string(directory.path), "root_key": .string("file:\(rootKeyPath)"),
            "root_key_made": .bool(!rootKeyExists), "kit_file": kit.path.map { .string($0) } ?? .null,
            "kit_public_key": .string(kit.publicKey.hex), "audit_public_key": .string(directory.auditPublicKey),
            "admin": admin.map { .string($0.description) } ?? .null, "owner": owner.map { .string($0.name) } ?? .null,
        ]
        session.print(answer) { console in
            console.out("vault made in \(directory.path)")
            console.out(pairs: [
                ("root key", rootKeyPath + (rootKeyExists ? "" : " (new)")),
                (
                    "recovery kit",
                    kit.path.map { "\($0) (read back, and it opens the vault)" }
                        ?? "entered again, and it opens the vault"
                ),
                ("audit key", directory.auditPublicKey),
                ("admins", admin.map { "root and \($0)" } ?? "root only; see --admin"),
            ])
        }
        if kit.path != nil {
            session.console.note(
                "next: move the kit off this machine; whoever has it and a copy of the vault can read everything")
        }
        if rootKeyPath.hasPrefix(directory.path + "/") {
            session.console.warn(
                "the root key is inside the state directory: a copy of that directory is a copy of every secret")
        }
        session.console.note("start the daemon: \(start)")
    }
}
