window.YTD.post.part0 = [ {
  "id_str" : "1",
  "full_text" : "Bread is out of the oven",
  "lang" : "en"
}, {
  "id_str" : "2",
  "full_text" : "this soup is a delight",
  "lang" : "en"
} ]