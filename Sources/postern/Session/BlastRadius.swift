import Rules

/// What else a change touches, asked from the daemon before anything is taken away.
extension Session {
    /// Whether the daemon has it.
    func exists(_ path: String) throws(Failure) -> Bool {
        do {
            _ = try admin.get(path)
            return true
        } catch {
            if error.code == "not_found" { return false }
            throw error
        }
    }

    /// The live leases that `touches` picks, one sentence each.
    func leases(
        service: String? = nil, app: String? = nil, where touches: (JSON) -> Bool = { _ in true }
    ) throws(Failure) -> [String] {
        let answer = try admin.get("leases", [("service", service), ("app", app)])
        let live = (answer["leases"]?.items ?? []).filter { touches($0) && isLive($0) }
        let shown = live.prefix(10).map { lease in
            "lease \(Show.cell(lease["lease_id"])) of \(Show.cell(lease["service"])) for \(Show.app(lease)) ends"
        }
        return shown + (live.count > 10 ? ["and \(live.count - 10) more leases end"] : [])
    }

    /// Whether a lease can still be used.
    func isLive(_ lease: JSON) -> Bool { (lease["state"]?.text ?? "live") == "live" }

    /// The services whose grants allow `action` on `app`, which belongs to `tenant`.
    func servicesThatMay(_ action: Action, on app: AppKey, of tenant: String) throws(Failure) -> [String] {
        guard let owner = Slug(tenant) else { return [] }
        let grants = try admin.get("grants")["grants"]?.items ?? []
        let names = grants.filter { grant in
            guard let pattern = GrantPattern(grant["pattern"]?.text ?? "") else { return false }
            return pattern.covers(app, of: owner) && (grant["actions"]?.texts ?? []).contains("\(action)")
        }
        return Set(names.compactMap { $0["service"]?.text }).sorted()
    }

    /// One entry of a list by its id; grants and roles have no call of their own.
    func entry(_ id: String, in list: String, named what: String) throws(Failure) -> JSON {
        let items = try admin.get(list)[list]?.items ?? []
        guard let found = items.first(where: { $0["id"]?.cell == id }) else {
            throw Failure(
                exit: Exit(5), code: "not_found", what: "there is no \(what) \(id.shown)",
                next: "see postern \(what) list")
        }
        return found
    }
}
