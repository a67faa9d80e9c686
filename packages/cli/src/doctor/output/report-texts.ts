import type { CheckResult, Finding } from '../check.js'
import type { DoctorReport } from '../report.js'

type Change = (text: string) => string

function changeFinding(finding: Finding, change: Change): Finding {
  const { sent, received, reason, fix } = finding
  return {
    ...finding,
    sent: change(sent),
    received: change(received),
    reason: change(reason),
    fix: change(fix),
  }
}

function changeCheck(check: CheckResult, change: Change): CheckResult {
  return {
    ...check,
    reason: change(check.reason),
    findings: check.findings.map((each) => changeFinding(each, change)),
    hints: check.hints.map(change),
  }
}

/** Changes every text of a report that can hold words of the server. */
export function mapTexts(report: DoctorReport, change: Change): DoctorReport {
  const { url, checkedUrl, issuer, outage, checks, remarks, cleanup } = report
  return {
    ...report,
    url: change(url),
    checkedUrl: change(checkedUrl),
    issuer: issuer === undefined ? undefined : change(issuer),
    outage: outage === undefined ? undefined : { ...outage, message: change(outage.message) },
    checks: checks.map((each) => changeCheck(each, change)),
    remarks: remarks.map(change),
    cleanup: cleanup === undefined ? undefined : { ...cleanup, left: cleanup.left.map(change) },
  }
}
