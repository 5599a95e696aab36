# The cmdlets that contrib/Export-FirewallRules.ps1 asks, for a machine that has no Windows: two rules and their
# filters, with enumerations as the real objects have them.
param([Parameter(Mandatory)] [string] $Script)

enum Enabled { True = 1; False = 2 }
enum Direction { Inbound = 1; Outbound = 2 }
enum Action { NotConfigured = 0; Allow = 2; Block = 4 }
enum GpoBoolean { False = 0; True = 1; NotConfigured = 2 }
enum Authentication { NotRequired = 0; Required = 1; NoEncap = 2 }

function New-Rule($Id, $Direction, $Action, $Enabled) {
    [pscustomobject] @{
        InstanceID = $Id; Name = $Id; DisplayName = "rule $Id"; Group = $null; Enabled = [Enabled] $Enabled
        Direction = [Direction] $Direction; Action = [Action] $Action; Profile = 'Domain, Private'
        PolicyStoreSourceType = 'Local'; EdgeTraversalPolicy = 'Block'; LooseSourceMapping = $false
        LocalOnlyMapping = $false; Owner = $null; Platform = @()
    }
}
function Get-NetFirewallRule($PolicyStore) {
    New-Rule 'https' 1 2 1
    New-Rule 'mail' 2 4 1
}
function Get-NetFirewallPortFilter($PolicyStore) {
    [pscustomobject] @{ InstanceID = 'https'; Protocol = 'TCP'; LocalPort = @('443', '8443'); RemotePort = 'Any'; IcmpType = 'Any'; DynamicTarget = 'Any' }
    [pscustomobject] @{ InstanceID = 'mail'; Protocol = 'TCP'; LocalPort = 'Any'; RemotePort = '25'; IcmpType = 'Any'; DynamicTarget = 'Any' }
}
function Get-NetFirewallAddressFilter($PolicyStore) {
    [pscustomobject] @{ InstanceID = 'https'; LocalAddress = 'Any'; RemoteAddress = @('10.1.0.0/255.255.0.0') }
    [pscustomobject] @{ InstanceID = 'mail'; LocalAddress = 'Any'; RemoteAddress = 'Any' }
}
function New-Filter($Properties) {
    foreach ($Id in 'https', 'mail') { [pscustomobject] (@{ InstanceID = $Id } + $Properties) }
}
function Get-NetFirewallApplicationFilter($PolicyStore) { New-Filter @{ Program = 'Any'; Package = $null } }
function Get-NetFirewallServiceFilter($PolicyStore) { New-Filter @{ Service = 'Any' } }
function Get-NetFirewallInterfaceFilter($PolicyStore) { New-Filter @{ InterfaceAlias = 'Any' } }
function Get-NetFirewallInterfaceTypeFilter($PolicyStore) { New-Filter @{ InterfaceType = 'Any' } }
function Get-NetFirewallSecurityFilter($PolicyStore) {
    New-Filter @{ Authentication = [Authentication]::NotRequired; Encryption = 'NotRequired'; OverrideBlockRules = $false; LocalUser = 'Any'; RemoteUser = 'Any'; RemoteMachine = 'Any' }
}
function Get-NetFirewallProfile($PolicyStore) {
    foreach ($Name in 'Domain', 'Private', 'Public') {
        [pscustomobject] @{
            Name = $Name; Enabled = [GpoBoolean]::True; DefaultInboundAction = [Action]::NotConfigured
            DefaultOutboundAction = [Action]::Allow; AllowInboundRules = [GpoBoolean]::NotConfigured
            AllowLocalFirewallRules = [GpoBoolean]::NotConfigured; AllowLocalIPsecRules = [GpoBoolean]::NotConfigured
            AllowUserApps = [GpoBoolean]::NotConfigured; AllowUserPorts = [GpoBoolean]::NotConfigured
            DisabledInterfaceAliases = @('NotConfigured')
        }
    }
}
. $Script
