window.YTD.tweets.part0 = [
  {
    "tweet": {
      "edit_info": {
        "initial": {
          "editTweetIds": [
            "1"
          ]
        }
      },
      "id_str": "1",
      "lang": "en",
      "source": "<a href=\"https://example.org\" rel=\"nofollow\">made up</a>",
      "full_text": "Smoke over the ridge & the road is closed"
    }
  },
  {
    "tweet": {
      "id_str": "2",
      "lang": "en",
      "full_text": "my phone is dying, brb\nreally"
    }
  },
  {
    "tweet": {
      "id_str": "3",
      "lang": "und",
      "full_text": "🔥🔥🔥"
    }
  }
]
