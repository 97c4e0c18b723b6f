-- wrk: sixteen requests per write.
init = function(args)
    local one, all = wrk.format(), {}
    for i = 1, 16 do all[i] = one end
    request_bytes = table.concat(all)
end
request = function() return request_bytes end
