import CLinux
import Synchronization

/// A user of this machine.
package struct Account: Sendable, Equatable {
    package let name: String
    package let uid: UInt32
    package let gid: UInt32
    package let home: String

    /// An account as the system's database has it.
    package init(name: String, uid: UInt32, gid: UInt32, home: String) {
        self.name = name
        self.uid = uid
        self.gid = gid
        self.home = home
    }
}

/// The user and group databases (getpwnam_r(3)), which may be files, LDAP or anything else.
package enum Accounts {
    /// How long a name that was looked up is believed. A lookup reads /etc/passwd or asks a daemon: tens of microseconds
    /// at best, too slow for each request; a service's user that is deleted loses access after this long at the latest.
    static let freshness: Int64 = 10_000

    private struct Entry {
        let id: UInt32?
        let until: Int64
    }

    private static let users = Mutex<[String: Entry]>([:])
    private static let groups = Mutex<[String: Entry]>([:])

    /// The uid of a user name, cached for a few seconds; nil where there is no such user.
    package static func uid(of user: String) -> UInt32? { cached(users, user) { account(named: $0)?.uid } }

    /// The gid of a group name, cached likewise.
    package static func gid(of group: String) -> UInt32? { cached(groups, group, groupID) }

    private static func cached(
        _ names: borrowing Mutex<[String: Entry]>, _ name: String, _ look: (String) -> UInt32?
    ) -> UInt32? {
        let now = Clock.bootMilliseconds
        if let entry = names.withLock({ $0[name] }), entry.until > now { return entry.id }
        let id = look(name)  // outside the lock: a slow database delays only those who ask for new names
        names.withLock { $0[name] = Entry(id: id, until: now + freshness) }
        return id
    }

    /// The account of a user name; nil where there is none.
    package static func account(named name: String) -> Account? {
        unsafe account { entry, buffer, size, result in unsafe getpwnam_r(name, entry, buffer, size, result) }
    }

    /// The account of a uid; nil where the database does not know it.
    package static func account(uid: UInt32) -> Account? {
        unsafe account { entry, buffer, size, result in unsafe getpwuid_r(uid, entry, buffer, size, result) }
    }

    /// A name, or a number whether or not it has a name (`uid` as group where it has none).
    package static func account(nameOrNumber text: String) -> Account? {
        if let found = account(named: text) { return found }
        guard let uid = UInt32(text), uid != .max else { return nil }
        return account(uid: uid) ?? Account(name: text, uid: uid, gid: uid, home: "/")
    }

    private static func account(
        _ look: (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> Int32
    ) -> Account? {
        var size = 1024
        while size <= 1 << 20 {
            var entry = unsafe passwd()
            var found: UnsafeMutablePointer<passwd>? = nil
            var buffer = [CChar](repeating: 0, count: size)
            var account: Account?
            let result = unsafe buffer.withUnsafeMutableBufferPointer { buffer in
                let result = unsafe look(&entry, buffer.baseAddress!, buffer.count, &found)
                if result == 0, unsafe found != nil {
                    account = unsafe Account(
                        name: String(cString: entry.pw_name), uid: entry.pw_uid, gid: entry.pw_gid,
                        home: String(cString: entry.pw_dir))
                }
                return result
            }
            guard result == ERANGE else { return account }
            size *= 4
        }
        return nil
    }

    private static func groupID(of name: String) -> UInt32? {
        var size = 1024
        while size <= 1 << 20 {
            var entry = unsafe group()
            var found: UnsafeMutablePointer<group>? = nil
            var buffer = [CChar](repeating: 0, count: size)
            let result = unsafe getgrnam_r(name, &entry, &buffer, buffer.count, &found)
            if result == ERANGE {
                size *= 4
                continue
            }
            return unsafe result == 0 && found != nil ? entry.gr_gid : nil
        }
        return nil
    }

    /// All groups a process of `account` has: its primary one and those it is a member of.
    static func memberships(of account: Account) -> [UInt32] {
        var count: Int32 = 64
        while true {
            var groups = [gid_t](repeating: 0, count: Int(count))
            let room = count
            if unsafe getgrouplist(account.name, account.gid, &groups, &count) >= 0 {
                return Array(groups.prefix(Int(count)))
            }
            if count <= room { return [account.gid] }
        }
    }
}
