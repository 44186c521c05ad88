import Linux
import Rules

/// Whom the daemon and its couriers run as (design, section 2).
struct Identity: Sendable {
    /// The user that serves.
    let keeper: Account
    /// Whom the starter becomes; nil where everything runs as the user who started it.
    let courier: Account?
    let startedAsRoot: Bool

    private static let standardKeeper = "postern"
    private static let standardCourier = "postern-courier"

    /// Root must have somebody to become; nobody else can become anybody. `bad_request` says which command helps.
    init(_ options: Options) throws(Problem) {
        startedAsRoot = Privileges.isRoot
        guard startedAsRoot else {
            let uid = Privileges.uid
            keeper = Accounts.account(uid: uid) ?? Account(name: "\(uid)", uid: uid, gid: uid, home: "/")
            courier = nil
            for (flag, name) in [("--user", options.user), ("--courier-user", options.courierUser)] {
                guard let name, name != keeper.name, name != "\(uid)" else { continue }
                throw Problem(
                    .badRequest, "\(flag) \(name): only root can become another user",
                    advice: "start posternd as root, or leave \(flag) out")
            }
            return
        }
        keeper = try Self.account(options.user, flag: "--user", standard: Self.standardKeeper)
        let courier = try Self.account(options.courierUser, flag: "--courier-user", standard: Self.standardCourier)
        guard courier.uid != keeper.uid else {
            throw Problem(
                .badRequest, "--user and --courier-user are the same user, \(keeper.name)",
                advice: "the process on the network must not be able to reach the vault: give it a user of its own")
        }
        self.courier = courier
    }

    private static func account(_ name: String?, flag: String, standard: String) throws(Problem) -> Account {
        let wanted = name ?? standard
        let create = "useradd --system --no-create-home --shell /usr/sbin/nologin \(wanted)"
        guard let account = Accounts.account(nameOrNumber: wanted), name == nil || !wanted.isEmpty else {
            let reason =
                name == nil
                ? "posternd never serves as root, and there is no user \(standard) to become"
                : "\(flag): there is no user \(wanted)"
            throw Problem(.badRequest, reason, advice: "\(create), or name another with \(flag)")
        }
        guard account.uid != 0 else {
            throw Problem(.badRequest, "\(flag) must not be root", advice: create)
        }
        return account
    }
}
