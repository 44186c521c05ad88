/// One thing a guide has somebody do, and how one sees that it was done.
package struct Step: Sendable {
    /// What tells whether it was done.
    package enum Evidence: Sendable, Equatable {
        /// The credentials with these keys are stored.
        case stored([String])
        /// All these checks have passed: done; one has failed: missing; else nobody knows.
        case checks([String])
        /// The app is installed somewhere, and its token lives.
        case installed
        /// The platform shows it to nobody but the person at its console.
        case byEye
    }

    /// Stable, for scripts: `redirect_urls`.
    package let name: String
    /// What to do, with `{base}` and `{app_id}` to be filled in.
    package let title: String
    /// Where in the console.
    package let place: String
    package let evidence: Evidence

    init(_ name: String, _ title: String, at place: String, seen evidence: Evidence) {
        self.name = name
        self.title = title
        self.place = place
        self.evidence = evidence
    }
}
