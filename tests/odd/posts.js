window.YTD.posts.part0 = [
  {
    "post": {
      "edit_info": {
        "initial": {
          "editPostIds": [
            "1"
          ]
        }
      },
      "id_str": "1",
      "lang": "en",
      "source": "<a href=\"https://example.org\" rel=\"nofollow\">made up</a>",
      "full_text": "Cake on the table & the shop is closed"
    }
  },
  {
    "post": {
      "id_str": "2",
      "lang": "en",
      "full_text": "my phone is dying, brb\nreally"
    }
  },
  {
    "post": {
      "id_str": "3",
      "lang": "und",
      "full_text": "🔥🔥🔥"
    }
  }
]
