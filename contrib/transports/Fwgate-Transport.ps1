<#
.SYNOPSIS
The Windows end of fwgate's transports: reads and replaces the firewall policy of a computer by PowerShell remoting.

.DESCRIPTION
Read prints the policy as Export-FirewallRules.ps1 writes it, behind a comment with the nonce. Apply saves the policy with
`netsh advfirewall export`, registers a scheduled task of SYSTEM that imports it again after so many seconds, and only then hands over
the permitted file. Confirm removes that task. Rollback hands over the permitted file of the baseline and removes the task. Link imports the
permitted file into a group policy object named after the device, for the eventual transport. Identity prints the name of the computer
that answers.

The permitted file is a policy that Windows itself exported (*.wfw). It is copied and imported unchanged.

Not tested on Windows. Try it in the lab first.

.PARAMETER Verb
Read, Apply, Confirm, Rollback, Link or Identity.

.PARAMETER Computer
The computer to reach; of Link, the name of the group policy object.

.PARAMETER Folder
The folder with the permitted file.

.PARAMETER Seconds
How long the computer waits for the confirmation.

.PARAMETER Nonce
32 hexadecimal digits that the reading repeats.
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [ValidateSet('Read', 'Apply', 'Confirm', 'Rollback', 'Link', 'Identity')] [string] $Verb,
    [Parameter(Mandatory)] [ValidatePattern('^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$')] [string] $Computer,
    [string] $Folder,
    [ValidateRange(1, 86400)] [int] $Seconds = 300,
    [ValidatePattern('^[0-9a-f]{32}$')] [string] $Nonce
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'
$Task = 'fwgate-restore'

# The one file of the folder that Windows can import.
function Get-PermittedFile {
    $Files = @(Get-ChildItem -LiteralPath $Folder -Filter '*.wfw' -File)
    if ($Files.Count -ne 1) { throw "the folder holds $($Files.Count) policies that Windows can import, not one" }
    return $Files[0].FullName
}

# Copies the file to the computer, unchanged; the path there.
function Send-PermittedFile($Session) {
    $There = Invoke-Command -Session $Session {
        $Directory = Join-Path $env:ProgramData 'fwgate'
        if (-not (Test-Path $Directory)) { New-Item -ItemType Directory -Path $Directory | Out-Null }
        Join-Path $Directory 'permitted.wfw'
    }
    Copy-Item -ToSession $Session -LiteralPath (Get-PermittedFile) -Destination $There -Force
    return $There
}

if ($Verb -eq 'Link') {
    # Store and import are of one session of netsh, so that both stand in one script.
    $Script = New-TemporaryFile
    $Store = "$env:USERDNSDOMAIN\$Computer"
    Set-Content -LiteralPath $Script -Value "advfirewall set store gpo=`"$Store`"", "advfirewall import `"$(Get-PermittedFile)`""
    try {
        netsh -f $Script | Out-Null
        if ($LASTEXITCODE -ne 0) { throw 'the object did not take the policy' }
    }
    finally { Remove-Item -LiteralPath $Script }
    return
}

$Session = New-PSSession -ComputerName $Computer
try {
    switch ($Verb) {
        'Identity' { Invoke-Command -Session $Session { [System.Net.Dns]::GetHostEntry('').HostName.ToLowerInvariant() } }
        'Read' {
            "# $Nonce"
            & (Join-Path $PSScriptRoot '..\Export-FirewallRules.ps1') -CimSession (New-CimSession -ComputerName $Computer)
        }
        'Apply' {
            $There = Send-PermittedFile $Session
            Invoke-Command -Session $Session -ArgumentList $There, $Seconds, $Task {
                param($File, $Seconds, $Task)
                $ErrorActionPreference = 'Stop'
                $Saved = Join-Path (Split-Path $File) 'saved.wfw'
                # What ran before the first of several unconfirmed applies is what the computer goes back to.
                if (-not (Get-ScheduledTask -TaskName $Task -ErrorAction SilentlyContinue)) {
                    if (Test-Path $Saved) { Remove-Item $Saved }
                    netsh advfirewall export $Saved | Out-Null
                    if ($LASTEXITCODE -ne 0) { throw 'what runs now could not be saved' }
                }
                $Action = New-ScheduledTaskAction -Execute 'netsh.exe' -Argument "advfirewall import `"$Saved`""
                $Trigger = New-ScheduledTaskTrigger -Once -At (Get-Date).AddSeconds($Seconds)
                Register-ScheduledTask -TaskName $Task -Action $Action -Trigger $Trigger -User 'SYSTEM' -RunLevel Highest -Force | Out-Null
                netsh advfirewall import $File | Out-Null
                if ($LASTEXITCODE -ne 0) {
                    netsh advfirewall import $Saved | Out-Null
                    Unregister-ScheduledTask -TaskName $Task -Confirm:$false
                    throw 'the computer does not take this policy'
                }
            }
        }
        'Confirm' {
            Invoke-Command -Session $Session -ArgumentList $Task {
                param($Task)
                $ErrorActionPreference = 'Stop'
                $Info = Get-ScheduledTask -TaskName $Task | Get-ScheduledTaskInfo
                # 267011: the task has not run yet (SCHED_S_TASK_HAS_NOT_RUN).
                if ($Info.LastTaskResult -ne 267011) { throw 'the timer has run out, and what ran before runs again' }
                Unregister-ScheduledTask -TaskName $Task -Confirm:$false
            }
        }
        'Rollback' {
            $There = Send-PermittedFile $Session
            Invoke-Command -Session $Session -ArgumentList $There, $Task {
                param($File, $Task)
                $ErrorActionPreference = 'Stop'
                netsh advfirewall import $File | Out-Null
                if ($LASTEXITCODE -ne 0) { throw 'the computer does not take this policy' }
                Get-ScheduledTask -TaskName $Task -ErrorAction SilentlyContinue | Unregister-ScheduledTask -Confirm:$false
            }
        }
    }
}
finally {
    Remove-PSSession $Session
}
