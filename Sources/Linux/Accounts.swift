import CLinux

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
    static let users = NameCache { name in
        let (account, error) = looked(forName: name)
        return account.map { .id($0.uid) } ?? NameCache.Found(without: error)
    }
    static let groups = NameCache(groupID)

    /// The uid of a user name, cached for a few seconds; nil where there is no such user.
    package static func uid(of user: String) -> UInt32? { users.find(user).id }

    /// The gid of a group name, cached likewise.
    package static func gid(of group: String) -> UInt32? { groups.find(group).id }

    /// The account of a user name; nil where there is none.
    package static func account(named name: String) -> Account? { looked(forName: name).0 }

    private static func looked(forName name: String) -> (Account?, error: Int32) {
        unsafe account { entry, buffer, size, result in unsafe getpwnam_r(name, entry, buffer, size, result) }
    }

    /// The account of a uid; nil where the database does not know it.
    package static func account(uid: UInt32) -> Account? {
        unsafe account { entry, buffer, size, result in unsafe getpwuid_r(uid, entry, buffer, size, result) }.0
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
    ) -> (Account?, error: Int32) {
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
            guard result == ERANGE else { return (account, result) }
            size *= 4
        }
        return (nil, ERANGE)
    }

    @Sendable private static func groupID(of name: String) -> NameCache.Found {
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
            return unsafe result == 0 && found != nil ? .id(entry.gr_gid) : NameCache.Found(without: result)
        }
        return .unknown
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
