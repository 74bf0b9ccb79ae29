local.get $x12
i32.eqz
if $0
  local.get $x11
  local.set $x10
else
  local.get $x11
  local.get $x12
  i32.rem_u
  local.set $x10
end
