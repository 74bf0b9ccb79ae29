local.get $x12
i32.eqz
if $0
  i32.const -1
  local.set $x10
else
  local.get $x11
  local.get $x12
  i32.div_u
  local.set $x10
end
