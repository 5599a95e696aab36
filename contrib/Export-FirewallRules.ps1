<#
.SYNOPSIS
Writes the firewall policy of this computer as JSON, for fwgate.

.DESCRIPTION
A rule object of Get-NetFirewallRule holds none of the rule's conditions: those are in seven filter objects. This
script joins each rule with its filters by InstanceID, adds the three profiles, and writes one JSON document to the
pipeline or to a file. It changes nothing. Windows PowerShell 5.1 and PowerShell 7 write the same.

The default store is ActiveStore: local rules and those of group policy as they are in force together. Reading it
needs no administrator; some group policy rules are hidden from others.

.PARAMETER Path
The file to write, as UTF-8. Without it the document goes to the pipeline.

.PARAMETER PolicyStore
ActiveStore, PersistentStore (local rules only), or a group policy object as DOMAIN\GPO.

.PARAMETER CimSession
A session to another computer, as New-CimSession makes it.

.EXAMPLE
.\Export-FirewallRules.ps1 -Path firewall.json

.EXAMPLE
.\Export-FirewallRules.ps1 -CimSession (New-CimSession east-dc1) -Path devices\east-dc1\firewall.json
#>
[CmdletBinding()]
param(
    [string] $Path,
    [string] $PolicyStore = 'ActiveStore',
    [object] $CimSession
)

Set-StrictMode -Version 2.0
$ErrorActionPreference = 'Stop'

$Source = @{ PolicyStore = $PolicyStore }
if ($CimSession) { $Source['CimSession'] = $CimSession }

# The filters of all rules by InstanceID: one call for each kind, because a call for each rule takes minutes.
function Get-FilterTable([object[]] $Filters) {
    $Table = @{}
    foreach ($Filter in $Filters) { $Table[[string] $Filter.InstanceID] = $Filter }
    return $Table
}

# A list of texts, whatever the cmdlet gives: nothing, one text, or several.
function Get-TextList($Value) {
    $List = @()
    foreach ($One in @($Value)) { if ($null -ne $One) { $List += [string] $One } }
    if ($List.Count -eq 0) { $List = @('Any') }
    return , $List
}

function Get-Text($Value) {
    if ($null -eq $Value) { return $null }
    return [string] $Value
}

$Ports          = Get-FilterTable @(Get-NetFirewallPortFilter @Source)
$Addresses      = Get-FilterTable @(Get-NetFirewallAddressFilter @Source)
$Applications   = Get-FilterTable @(Get-NetFirewallApplicationFilter @Source)
$Services       = Get-FilterTable @(Get-NetFirewallServiceFilter @Source)
$Interfaces     = Get-FilterTable @(Get-NetFirewallInterfaceFilter @Source)
$InterfaceTypes = Get-FilterTable @(Get-NetFirewallInterfaceTypeFilter @Source)
$Securities     = Get-FilterTable @(Get-NetFirewallSecurityFilter @Source)

$Rules = foreach ($Rule in @(Get-NetFirewallRule @Source)) {
    $Id = [string] $Rule.InstanceID
    foreach ($Table in @($Ports, $Addresses, $Applications, $Services, $Interfaces, $InterfaceTypes, $Securities)) {
        if (-not $Table.ContainsKey($Id)) { throw "the rule $Id has no filter of one kind: run the script again" }
    }
    $Port = $Ports[$Id]
    $Address = $Addresses[$Id]
    $Application = $Applications[$Id]
    $Security = $Securities[$Id]
    [ordered] @{
        InstanceID            = $Id
        Name                  = Get-Text $Rule.Name
        DisplayName           = Get-Text $Rule.DisplayName
        Group                 = Get-Text $Rule.Group
        Enabled               = Get-Text $Rule.Enabled
        Direction             = Get-Text $Rule.Direction
        Action                = Get-Text $Rule.Action
        Profile               = Get-Text $Rule.Profile
        PolicyStoreSourceType = Get-Text $Rule.PolicyStoreSourceType
        EdgeTraversalPolicy   = Get-Text $Rule.EdgeTraversalPolicy
        LooseSourceMapping    = [bool] $Rule.LooseSourceMapping
        LocalOnlyMapping      = [bool] $Rule.LocalOnlyMapping
        Owner                 = Get-Text $Rule.Owner
        Platform              = Get-TextList $Rule.Platform
        Protocol              = Get-Text $Port.Protocol
        LocalPort             = Get-TextList $Port.LocalPort
        RemotePort            = Get-TextList $Port.RemotePort
        IcmpType              = Get-TextList $Port.IcmpType
        DynamicTarget         = Get-Text $Port.DynamicTarget
        LocalAddress          = Get-TextList $Address.LocalAddress
        RemoteAddress         = Get-TextList $Address.RemoteAddress
        Program               = Get-Text $Application.Program
        Package               = Get-Text $Application.Package
        Service               = Get-Text $Services[$Id].Service
        InterfaceAlias        = Get-TextList $Interfaces[$Id].InterfaceAlias
        InterfaceType         = Get-Text $InterfaceTypes[$Id].InterfaceType
        Authentication        = Get-Text $Security.Authentication
        Encryption            = Get-Text $Security.Encryption
        OverrideBlockRules    = [bool] $Security.OverrideBlockRules
        LocalUser             = Get-Text $Security.LocalUser
        RemoteUser            = Get-Text $Security.RemoteUser
        RemoteMachine         = Get-Text $Security.RemoteMachine
    }
}

$Profiles = foreach ($Profile_ in @(Get-NetFirewallProfile @Source)) {
    [ordered] @{
        Name                     = Get-Text $Profile_.Name
        Enabled                  = Get-Text $Profile_.Enabled
        DefaultInboundAction     = Get-Text $Profile_.DefaultInboundAction
        DefaultOutboundAction    = Get-Text $Profile_.DefaultOutboundAction
        AllowInboundRules        = Get-Text $Profile_.AllowInboundRules
        AllowLocalFirewallRules  = Get-Text $Profile_.AllowLocalFirewallRules
        AllowLocalIPsecRules     = Get-Text $Profile_.AllowLocalIPsecRules
        AllowUserApps            = Get-Text $Profile_.AllowUserApps
        AllowUserPorts           = Get-Text $Profile_.AllowUserPorts
        DisabledInterfaceAliases = Get-TextList $Profile_.DisabledInterfaceAliases
    }
}

$Document = [ordered] @{
    schema      = 'fwgate.windows/1'
    computer    = Get-Text $env:COMPUTERNAME
    policyStore = $PolicyStore
    profiles    = @($Profiles)
    rules       = @($Rules)
}
$Json = ConvertTo-Json -InputObject $Document -Depth 5
if ($Path) {
    $Full = $ExecutionContext.SessionState.Path.GetUnresolvedProviderPathFromPSPath($Path)
    [System.IO.File]::WriteAllText($Full, $Json + "`n", (New-Object System.Text.UTF8Encoding $false))
} else {
    $Json
}
