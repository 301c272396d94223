window.YTD.tweet.part0 = [ {
  "id_str" : "1",
  "full_text" : "River is over its banks",
  "lang" : "en"
}, {
  "id_str" : "2",
  "full_text" : "this soup is a wildfire",
  "lang" : "en"
} ]