local.get $x12
i32.eqz
if $0
  i32.const -1
  local.set $x10
else
  local.get $x11
  i64.extend_i32_s
  local.get $x12
  i64.extend_i32_s
  i64.div_s
  i32.wrap_i64
  local.set $x10
end
