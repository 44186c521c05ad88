/// How the pages look, and the hash that lets this one style sheet, and nothing else, through the pages' CSP.
enum PageStyle {
    static let sheet = """
        :root{color-scheme:light dark;--page:#f4f5f7;--card:#fff;--text:#1c1e21;--quiet:#5a6068;--line:#dfe2e6;\
        --good:#137a3e;--calm:#33557f;--bad:#a8321c;--link:#0b57b0}\
        @media (prefers-color-scheme:dark){:root{--page:#14161a;--card:#1e2126;--text:#eceef1;--quiet:#a6adb7;\
        --line:#343941;--good:#5fd08f;--calm:#9cbdea;--bad:#ff9a84;--link:#8fbcff}}\
        *{box-sizing:border-box}\
        body{margin:0;min-height:100vh;min-height:100svh;display:grid;place-items:center;padding:1rem;\
        background:var(--page);color:var(--text);\
        font:1.0625rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","Noto Sans CJK JP",sans-serif}\
        main{width:100%;max-width:30rem;padding:2rem 1.75rem;background:var(--card);border:1px solid var(--line);\
        border-radius:.75rem;overflow-wrap:anywhere}\
        svg{display:block;width:2.75rem;height:2.75rem;margin-bottom:1rem;fill:none;stroke-width:2.5;\
        stroke-linecap:round;stroke-linejoin:round}\
        .good svg{stroke:var(--good)}.calm svg{stroke:var(--calm)}.bad svg{stroke:var(--bad)}\
        h1{margin:0 0 .5rem;font-size:1.5rem;line-height:1.25}\
        p{margin:0 0 1rem}p:last-child{margin:0}\
        a{color:var(--link);font-weight:600}a:focus-visible{outline:3px solid var(--link);outline-offset:3px}\
        .small{color:var(--quiet);font-size:.875rem}code{font:inherit;font-family:ui-monospace,monospace}
        """

    /// SHA-256 of `sheet`, base64 (CSP level 3, section 2.3.1); a test computes it anew.
    static let hash = "sha256-DheI/MkccrHLfxtGW18NxlBjh6+TqxpXR7JeWT+7lDs="

    /// A drawn sign; what it says stands in the heading too.
    static func mark(_ tone: Page.Tone) -> String {
        let path =
            switch tone {
            case .good: "M14 25l7 7 14-15"
            case .calm: "M24 14v13M24 33v.5"
            case .bad: "M17 17l14 14M31 17L17 31"
            }
        return """
            <svg viewBox="0 0 48 48" aria-hidden="true"><circle cx="24" cy="24" r="21"/><path d="\(path)"/></svg>
            """
    }
}
