import Errands
package import Rules
import Vault

/// One finding of `doctor`.
package struct Finding: Sendable {
    /// How one check of the doctor came out.
    package enum Result: String, Sendable {
        case ok
        case warn
        case fail
    }

    package let name: String
    package let result: Result
    package let detail: String
    package let advice: String
    /// The code a script should exit with, for a failure that has one.
    package let code: Problem.Code?

    init(_ name: String, _ result: Result, _ detail: String, advice: String = "", code: Problem.Code? = nil) {
        self.name = name
        self.result = result
        self.detail = detail
        self.advice = advice
        self.code = code
    }
}

extension Broker {
    /// Looks at everything that can be looked at without changing anything.
    package func examine() -> [Finding] {
        [tables(), log(), disk(), courierHealth(), monthlyCalls()] + attestation()
    }

    private func tables() -> Finding {
        do throws(Problem) {
            try vault.checkTables()
            return Finding("tables", .ok, "every row and every table is as it was written")
        } catch { return Finding("tables", .fail, error.reason, advice: error.advice, code: error.code) }
    }

    private func log() -> Finding {
        do throws(Problem) {
            let result = try vault.verifyAudit()
            if let damage = result.damage {
                return Finding(
                    "audit", .fail, "record \(damage.seq): \(damage.kind)",
                    advice: "keep a copy of vault.db, and restore from a backup", code: .integrityFailure)
            }
            return Finding("audit", .ok, "\(result.records) records, \(result.checkpoints) checkpoints, chain unbroken")
        } catch { return Finding("audit", .fail, error.reason, advice: error.advice, code: error.code) }
    }

    private func disk() -> Finding {
        if let trouble = vault.trouble {
            return Finding("disk", .fail, trouble.reason, advice: trouble.advice, code: trouble.code)
        }
        return vault.hasBallast
            ? Finding("disk", .ok, "the reserve for a full disk is there")
            : Finding("disk", .warn, "there is no room for the reserve", advice: "make room on the vault's file system")
    }

    private func monthlyCalls() -> Finding {
        do throws(Problem) {
            let near = try appsNearTheirLimit()
            guard !near.isEmpty else { return Finding("calls", .ok, "no app is near its limit of calls a month") }
            let texts = near.prefix(20).map { app, calls in
                "\(app.key): \(calls.calls) of \(calls.limit ?? 0) (\(calls.percent ?? 0) %)"
                    + (calls.isRefusing ? ", then refused" : "")
            }
            return Finding(
                "calls", .warn,
                "calls of \(near[0].calls.month): " + texts.joined(separator: "; ")
                    + (near.count > texts.count ? "; and \(near.count - texts.count) more" : ""),
                advice: "find out who calls so often (postern audit list --app PLATFORM/APP_ID), or have the platform "
                    + "raise its limit and tell Postern: postern app edit PLATFORM/APP_ID --field monthly_limit=NUMBER")
        } catch { return Finding("calls", .fail, error.reason, advice: error.advice, code: error.code) }
    }

    private func courierHealth() -> Finding {
        guard let courier, let report = courier.report else {
            return Finding(
                "courier", .warn, "the courier is not running", advice: "look at posternd's log",
                code: .courierUnavailable)
        }
        let confined = report.landlock > 0 && report.seccomp
        let detail =
            "confined: landlock ABI \(report.landlock), seccomp \(report.seccomp ? "on" : "off")"
            + (report.gateway.map { "; gateway for SDKs at \($0)" } ?? "")
        let warnings = report.warnings.joined(separator: "; ")
        return Finding(
            "courier", confined && report.warnings.isEmpty ? .ok : .warn,
            warnings.isEmpty ? detail : "\(detail); \(warnings)")
    }
}
